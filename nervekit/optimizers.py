"""Adam with one update for all weights together, for networks of many small weights."""

import keras
import numpy as np
from keras import ops

from nervekit.errors import ConfigurationError


@keras.saving.register_keras_serializable(package="nervekit")
class FlatAdam(keras.optimizers.Optimizer):
    """`keras.optimizers.Adam` with the averages of all weights in one vector each.

    The steps are those of Adam. Adam's formula is some thirty operations; written out for each of the hundreds of
    weights of an inception or recurrent U-Net they are half of the graph, and a small training spends more time on
    making that graph than on running it. Here the formula stands in it once.

    Parameters
    ----------
    learning_rate : float
    beta_1, beta_2 : float
        Memory of the averages of the gradient and of its square.
    epsilon : float
    name : str
    **options
        Not used by the step: what ``keras.optimizers.Optimizer`` takes, for reading a saved network.

    Examples
    --------
    >>> weight = keras.Variable([1.0, -1.0])
    >>> optimizer = FlatAdam(0.5)
    >>> optimizer.apply([ops.convert_to_tensor([3.0, -0.1])], [weight])
    >>> ops.convert_to_numpy(weight).round(3).tolist()
    [0.5, -0.5]
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, name="flat_adam", **options):
        super().__init__(learning_rate=learning_rate, name=name, **options)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables):
        """Make the two averages for these weights; the optimizer moves them and no others from then on."""
        if self.built:
            return
        super().build(variables)
        self.lengths = [int(np.prod(variable.shape)) for variable in variables]
        self.mean = self.add_variable((sum(self.lengths),), dtype="float32", name="mean")
        self.square = self.add_variable((sum(self.lengths),), dtype="float32", name="square")

    def apply(self, grads, trainable_variables=None):
        """Move each weight by its gradient."""
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        self.build(variables)
        if [variable.path for variable in variables] != [variable.path for variable in self._trainable_variables]:
            raise ConfigurationError(
                f"FlatAdam was built for {len(self._trainable_variables)} weights and is given {len(variables)} others. "
                "Compile the network again after its layers are frozen or made trainable."
            )
        gradient = ops.concatenate([
            ops.reshape(ops.zeros(variable.shape) if one is None else ops.cast(one, "float32"), (-1,))
            for one, variable in zip(grads, variables, strict=True)
        ])  # fmt: skip
        step = ops.cast(self.iterations + 1, "float32")
        rate = self.learning_rate * ops.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        mean = self.mean + (gradient - self.mean) * (1 - self.beta_1)
        square = self.square + (ops.square(gradient) - self.square) * (1 - self.beta_2)
        change = rate * mean / (ops.sqrt(square) + self.epsilon)
        ends = np.cumsum(self.lengths)[:-1].tolist()
        for variable, part in zip(variables, ops.split(change, ends), strict=True):
            variable.assign_sub(ops.reshape(part, variable.shape))
        self.mean.assign(mean)
        self.square.assign(square)
        self.iterations.assign_add(1)

    def get_config(self):
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return super().get_config() | own
