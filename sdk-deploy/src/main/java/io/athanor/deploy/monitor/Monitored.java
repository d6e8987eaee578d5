package io.athanor.deploy.monitor;

import io.athanor.api.deploy.LiveModel;

/** A deployment that is watched; made by {@link Monitoring}. Thread-safe. */
public sealed interface Monitored extends LiveModel
    permits MonitoredDeployment, MonitoredText, MonitoredEmbedding {
  /** What was seen so far. */
  Monitor monitor();
}
