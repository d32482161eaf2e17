"""Adam, RMSprop and gradient descent with one update for all weights together, for networks of many small weights.

The formula of Adam is some thirty operations. Written out for each of the hundreds of weights of an inception or
recurrent U-Net they are half of the graph, and a small training spends more time on making and dispatching them than on
its convolutions. Here the averages of all weights lie in one vector, and the formula stands in the graph once, clipping by
the norm of all gradients included.
"""

import keras
import numpy as np
from keras import ops

from nervekit.errors import ConfigurationError

# Of what Keras' optimizers can do beside their step.
_NOT_DONE = ("clipnorm", "clipvalue", "use_ema", "loss_scale_factor", "gradient_accumulation_steps")


class _Flat(keras.optimizers.Optimizer):
    """What they share; `averages` names their vectors, `own` their options, and ``change(gradient, rate)`` is how far all weights move."""

    averages = own = ()

    def __init__(self, *, fall=None, **options):
        super().__init__(**options)
        self.fall = fall

    def get_config(self):
        return super().get_config() | {name: getattr(self, name) for name in ("fall", *self.own)}

    def fall_over(self, steps):
        """Let the learning rate fall to 0 over the next so many steps, if it is to fall.

        The number is a variable, not a part of the compiled step: trainings of other lengths need no other step.
        """
        if self.fall:
            self.begin.assign(ops.cast(self.iterations, "float32"))
            self.steps.assign(steps)

    def build(self, variables):
        """Make the averages for these weights; the optimizer moves them and no others from then on."""
        if self.built:
            return
        if asked := [name for name in _NOT_DONE if getattr(self, name, None)]:
            raise ConfigurationError(f"{type(self).__name__} does not do {', '.join(asked)}. Take the optimizer of Keras.")
        if limited := [variable.path for variable in variables if variable.constraint is not None]:
            raise ConfigurationError(
                f"{type(self).__name__} does not do constraints, which {', '.join(limited)} have. Take the optimizer of Keras."
            )
        super().build(variables)
        self.lengths = [int(np.prod(variable.shape)) for variable in variables]
        for name in self.averages:
            setattr(self, name, self.add_variable((sum(self.lengths),), dtype="float32", name=name))
        if self.fall:
            self.begin = self.add_variable((), dtype="float32", name="begin")
            # As good as no fall, until it is told.
            self.steps = self.add_variable((), initializer=keras.initializers.Constant(1e30), dtype="float32", name="steps")

    def apply(self, grads, trainable_variables=None):
        """Move each weight by its gradient."""
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        self.build(variables)
        known = self._trainable_variables
        if len(variables) != len(known) or any(one is not other for one, other in zip(variables, known, strict=True)):
            raise ConfigurationError(
                f"{type(self).__name__} was built for {len(known)} weights and is given {len(variables)} others. Make an "
                "optimizer for each network, and compile again after layers are frozen or made trainable."
            )
        gradient = ops.concatenate([
            ops.reshape(ops.zeros(variable.shape) if one is None else ops.cast(one, "float32"), (-1,))
            for one, variable in zip(grads, variables, strict=True)
        ])  # fmt: skip
        if self.global_clipnorm:
            norm = ops.sqrt(ops.sum(ops.square(gradient)))
            gradient = gradient * (self.global_clipnorm / ops.maximum(norm, self.global_clipnorm))
        rate = ops.cast(self.learning_rate, "float32")
        if self.fall:
            done = ops.minimum(ops.cast(self.iterations, "float32") - self.begin, self.steps) / self.steps
            rate = rate * (1 - done) ** self.fall
        change = self.change(gradient, rate)
        ends = np.cumsum(self.lengths)[:-1].tolist()
        parts = ops.split(change, ends) if ends else [change]
        for variable, part in zip(variables, parts, strict=True):
            part = ops.reshape(part, variable.shape)
            if self.weight_decay and self._use_weight_decay(variable):
                part = part + variable * (rate * self.weight_decay)
            self.assign_sub(variable, part)
        self.assign_add(self.iterations, 1)


@keras.saving.register_keras_serializable(package="nervekit")
class FlatAdam(_Flat):
    """`keras.optimizers.Adam`, step by step the same.

    Parameters
    ----------
    learning_rate : float
    beta_1, beta_2 : float
        Memory of the averages of the gradient and of its square.
    epsilon : float
    name : str
    **options
        ``fall``, a power: in a training of `training.fit` the rate falls to 0 by (1 - step / steps) to that power;
        ``learning_rate`` stays what it falls from, and ``fit`` of Keras lets nothing fall. And what
        ``keras.optimizers.Optimizer`` takes. Of these ``global_clipnorm`` and ``weight_decay`` are done; others that change
        the step are refused, and so are weights with a constraint.

    Examples
    --------
    >>> weight = keras.Variable([1.0, -1.0])
    >>> optimizer = FlatAdam(0.5)
    >>> optimizer.apply([ops.convert_to_tensor([3.0, -0.1])], [weight])
    >>> ops.convert_to_numpy(weight).round(3).tolist()
    [0.5, -0.5]
    """

    averages = ("mean", "square")
    own = ("beta_1", "beta_2", "epsilon")

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, name="flat_adam", **options):
        super().__init__(learning_rate=learning_rate, name=name, **options)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def change(self, gradient, rate):
        """How far each weight moves."""
        step = ops.cast(self.iterations + 1, "float32")
        rate = rate * ops.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        mean = self.mean + (gradient - self.mean) * (1 - self.beta_1)
        square = self.square + (ops.square(gradient) - self.square) * (1 - self.beta_2)
        self.assign(self.mean, mean)
        self.assign(self.square, square)
        return rate * mean / (ops.sqrt(square) + self.epsilon)


@keras.saving.register_keras_serializable(package="nervekit")
class FlatRMSprop(_Flat):
    """`keras.optimizers.RMSprop` without momentum, step by step the same.

    Parameters
    ----------
    learning_rate : float
    rho : float
        Memory of the average of the squared gradient.
    epsilon : float
    name : str
    **options
        As in `FlatAdam`.

    Examples
    --------
    >>> weight = keras.Variable([3.0, 1.0])
    >>> optimizer = FlatRMSprop(0.5, rho=0.75)
    >>> optimizer.apply([ops.convert_to_tensor([3.0, -0.1])], [weight])
    >>> ops.convert_to_numpy(weight).round(3).tolist()
    [2.0, 2.0]
    """

    averages = ("square",)
    own = ("rho", "epsilon")

    def __init__(self, learning_rate=0.001, rho=0.9, epsilon=1e-7, name="flat_rmsprop", **options):
        super().__init__(learning_rate=learning_rate, name=name, **options)
        self.rho, self.epsilon = rho, epsilon

    def change(self, gradient, rate):
        """How far each weight moves."""
        square = self.rho * self.square + (1 - self.rho) * ops.square(gradient)
        self.assign(self.square, square)
        return rate * gradient / ops.sqrt(square + self.epsilon)


@keras.saving.register_keras_serializable(package="nervekit")
class FlatSGD(_Flat):
    """`keras.optimizers.SGD` with Nesterov's momentum, step by step the same.

    Parameters
    ----------
    learning_rate : float
    momentum : float
        Share of the last step that is taken again.
    name : str
    **options
        As in `FlatAdam`.

    Examples
    --------
    >>> weight = keras.Variable([3.0, 1.0])
    >>> optimizer = FlatSGD(0.5, momentum=0.5)
    >>> optimizer.apply([ops.convert_to_tensor([2.0, -1.0])], [weight])
    >>> ops.convert_to_numpy(weight).tolist()
    [1.5, 1.75]
    """

    averages = ("step",)
    own = ("momentum",)

    def __init__(self, learning_rate=0.01, momentum=0.9, name="flat_sgd", **options):
        super().__init__(learning_rate=learning_rate, name=name, **options)
        self.momentum = momentum

    def change(self, gradient, rate):
        """How far each weight moves."""
        step = self.momentum * self.step + rate * gradient
        self.assign(self.step, step)
        return self.momentum * step + rate * gradient
