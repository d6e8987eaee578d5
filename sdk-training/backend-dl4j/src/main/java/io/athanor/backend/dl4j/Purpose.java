package io.athanor.backend.dl4j;

/** What a program is run for. */
enum Purpose {
  /** The outputs. */
  PREDICT,
  /** The loss, dropout off and running statistics used. */
  EVALUATE,
  /** The loss and gradients, dropout on and statistics of the batch used. */
  TRAIN
}
