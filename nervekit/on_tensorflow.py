"""What Keras' own operations do not do, or not well, on TensorFlow: the one place that names it, imported only where it runs."""

import functools

import keras
import tensorflow as tf


def batches(arrays, indices, batch_size):
    """Batches gathered on the processor and fetched ahead; ``indices`` has a row of numbers an epoch."""
    with tf.device("cpu:0"):
        arrays = keras.tree.map_structure(tf.convert_to_tensor, arrays)

    def take(chosen):
        return keras.tree.map_structure(lambda array: tf.gather(array, chosen), arrays)

    def in_batches(order):
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    options = tf.data.Options()
    options.autotune.enabled = False
    count = -(-indices.shape[1] // batch_size) * len(indices)
    dataset = tf.data.Dataset.from_tensor_slices(indices).flat_map(in_batches)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
    return dataset.map(take).prefetch(2).with_options(options)


def normalize(maps, scale, offset, epsilon, mean=None, variance=None):
    """Maps normalised by one kernel, and the mean and variance it took: those given, or those of the batch if none are."""
    measured = mean is None
    found = tf.raw_ops.FusedBatchNormV3(
        x=maps, scale=scale, offset=offset, mean=[] if measured else mean, variance=[] if measured else variance,
        epsilon=epsilon, is_training=measured,
    )  # fmt: skip
    return found.y, found.batch_mean, found.batch_variance


def normalize_each(maps, scale, offset, epsilon):
    """Every map of every image normalised by itself, each given to the kernel as a map of its own."""
    (height, width, channels), images = maps.shape[1:], tf.shape(maps)[0]
    side_by_side = tf.reshape(tf.transpose(maps, (1, 2, 0, 3)), (1, height, width, images * channels))
    scale, offset = (tf.tile(tf.cast(weight, "float32"), [images]) for weight in (scale, offset))
    normalized, _, _ = normalize(side_by_side, scale, offset, epsilon)
    return tf.transpose(tf.reshape(normalized, (height, width, images, channels)), (2, 0, 1, 3))


def litert_interpreter(**options):
    return tf.lite.Interpreter(**options)


def add_up_in_a_fixed_order():
    tf.config.experimental.enable_op_determinism()


def gpu_details():
    """Name and generation of the first GPU, as far as there is one and TensorFlow knows them."""
    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0]) if gpus else {}


def sum_bias_gradients_in_float32():
    """See `precision.sum_bias_gradients_in_float32`."""
    original = tf.nn.bias_add
    if getattr(original, "sums_in_float32", False):
        return
    convolutions_are_right = _sums_with_the_weights()

    @functools.wraps(original)
    def bias_add(value, bias, data_format=None, name=None):
        low = getattr(value, "dtype", None) == tf.bfloat16
        right = low and convolutions_are_right and not tf.executing_eagerly() and value.op.type == "Conv2D"
        if not low or right:
            return original(value, bias, data_format=data_format, name=name)
        spatial = len(value.shape) - 2
        shape = (1, -1, *[1] * spatial) if (data_format or "").startswith("NC") else (1, *[1] * spatial, -1)
        return tf.add(value, tf.reshape(bias, shape), name=name)

    bias_add.sums_in_float32 = True
    tf.nn.bias_add = bias_add


def _sums_with_the_weights():
    """Whether a graph gives the right gradient of a convolution's bias: a sum of 16,384 ones, tried out."""

    @tf.function
    def gradients(images, weights, bias, slope):
        with tf.GradientTape() as tape:
            tape.watch([weights, bias])
            answer = tf.nn.bias_add(tf.nn.conv2d(images, weights, 1, "SAME"), bias)
            total = tf.reduce_sum(tf.cast(answer, "float32") * slope)
        return tape.gradient(total, [weights, bias])

    shapes = (1, 128, 128, 4), (3, 3, 4, 8), (8,)
    _, found = gradients(*(tf.ones(shape, "bfloat16") for shape in shapes), tf.ones((1, 128, 128, 8)))
    return bool(tf.reduce_all(tf.abs(tf.cast(found, "float32") / 128**2 - 1) < 0.01))
