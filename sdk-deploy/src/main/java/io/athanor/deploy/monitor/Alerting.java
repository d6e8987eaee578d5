package io.athanor.deploy.monitor;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the channels once when a rule is breached, again only after the cooldown, and once when it
 * is no longer. Used by one thread at a time, but for the list of channels.
 */
final class Alerting {
  private static final Logger LOG = LoggerFactory.getLogger(Alerting.class);

  private final List<AlertRule> rules;
  private final List<AlertChannel> channels;
  private final Duration cooldown;
  private final Map<AlertRule, Instant> latest = new HashMap<>();
  private final Set<AlertRule> firing = new HashSet<>();

  Alerting(List<AlertRule> rules, List<AlertChannel> channels, Duration cooldown) {
    this.rules = List.copyOf(rules);
    this.channels = new CopyOnWriteArrayList<>(channels);
    this.cooldown = cooldown;
  }

  void add(AlertChannel channel) {
    channels.add(channel);
  }

  void remove(AlertChannel channel) {
    channels.remove(channel);
  }

  /** What is to be told now. */
  List<Alert> look(String model, ServingWindow window, Optional<DriftReport> drift) {
    List<Alert> alerts = new ArrayList<>();
    for (AlertRule rule : rules) {
      Optional<AlertRule.Finding> found = rule.look(window, drift);
      if (found.isPresent() && isNews(rule, found.get().breached(), window.until())) {
        AlertRule.Finding finding = found.get();
        alerts.add(
            new Alert(
                rule.name(),
                finding.breached() ? Alert.State.FIRING : Alert.State.RESOLVED,
                model,
                window.until(),
                finding.value(),
                finding.limit(),
                finding.message()));
      }
    }
    return alerts;
  }

  private boolean isNews(AlertRule rule, boolean breached, Instant now) {
    if (!breached) {
      return firing.remove(rule);
    }
    Instant told = latest.get(rule);
    if (told != null && now.isBefore(told.plus(cooldown))) {
      return false;
    }
    latest.put(rule, now);
    firing.add(rule);
    return true;
  }

  void send(List<Alert> alerts) {
    for (Alert alert : alerts) {
      for (AlertChannel channel : channels) {
        try {
          channel.send(alert);
        } catch (RuntimeException e) {
          LOG.warn("A channel failed on the alert {}", alert, e);
        }
      }
    }
  }
}
