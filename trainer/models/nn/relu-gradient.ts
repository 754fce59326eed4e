/** A faster gradient of relu: TensorFlow.js multiplies by `step`, which tfjs-node composes of six operations over the whole input. */
import * as tf from "@tensorflow/tfjs-core";

/** Replaces the gradient of relu on every backend; the values are the same. */
export function speedUpReluGradient(): void {
  tf.unregisterGradient("Relu");
  tf.registerGradient({
    kernelName: "Relu",
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({ x: () => tf.mul(dy as tf.Tensor, tf.cast(tf.greater(y, 0), "float32")) }),
  });
}
