package io.athanor.api.event;

/**
 * Hears what happens in a training run. Called on the run's thread, one event after the other, so a
 * slow listener slows the run. What it throws is logged and otherwise ignored.
 */
@FunctionalInterface
public interface TrainingListener {
  void on(TrainingEvent event);
}
