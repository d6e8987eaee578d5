package io.athanor.deploy.monitor;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where alerts go. */
@FunctionalInterface
public interface AlertChannel {
  /**
   * Takes an alert. Called by one thread of the monitor, never by one that serves; should return
   * soon. What it throws is logged, and the other channels hear of the alert all the same.
   */
  void send(Alert alert);

  /** Writes alerts to the log: warnings, and information where a rule is no longer breached. */
  static AlertChannel log() {
    Logger log = LoggerFactory.getLogger(AlertChannel.class);
    return alert -> {
      if (alert.state() == Alert.State.FIRING) {
        log.warn("{}: {}: {}", alert.model(), alert.rule(), alert.message());
      } else {
        log.info("{}: {} is over: {}", alert.model(), alert.rule(), alert.message());
      }
    };
  }
}
