package io.athanor.deploy.monitor;

import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The answers that feedback may still come to: the latest ones, in bounded memory. Thread-safe. */
final class RecentAnswers {
  private static final int MOST = 10_000;
  private static final long MOST_BYTES = 64L << 20;

  /**
   * An answer and its question.
   *
   * @param predicted a {@link String} or a {@link Double}
   */
  record Exchange(String model, String version, Row row, Object predicted) {
    long bytes() {
      long bytes = 256 + 2L * predicted.toString().length();
      for (String column : row.columns()) {
        Object cell = row.cell(column);
        bytes += 64;
        if (cell instanceof String text) {
          bytes += 2L * text.length();
        } else if (cell instanceof Pixels picture) {
          bytes += (long) picture.width() * picture.height() * picture.channels();
        }
      }
      return bytes;
    }
  }

  private final Map<String, Exchange> exchanges = new LinkedHashMap<>();
  private final Set<String> judged = new HashSet<>();
  private long bytes;

  synchronized void add(String id, Exchange exchange) {
    Exchange before = exchanges.remove(id);
    if (before != null) {
      forget(id, before);
    }
    exchanges.put(id, exchange);
    bytes += exchange.bytes();
    Iterator<Map.Entry<String, Exchange>> all = exchanges.entrySet().iterator();
    while (exchanges.size() > MOST || (bytes > MOST_BYTES && exchanges.size() > 1)) {
      Map.Entry<String, Exchange> oldest = all.next();
      forget(oldest.getKey(), oldest.getValue());
      all.remove();
    }
  }

  private void forget(String id, Exchange exchange) {
    bytes -= exchange.bytes();
    judged.remove(id);
  }

  /** Whether this is the first opinion of an answer that is still remembered. */
  synchronized boolean judge(String id) {
    return exchanges.containsKey(id) && judged.add(id);
  }

  synchronized Optional<Exchange> find(String id) {
    return Optional.ofNullable(exchanges.get(id));
  }
}
