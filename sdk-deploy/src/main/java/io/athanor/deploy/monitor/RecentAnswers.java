package io.athanor.deploy.monitor;

import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

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
  private long bytes;

  synchronized void add(String id, Exchange exchange) {
    exchanges.put(id, exchange);
    bytes += exchange.bytes();
    Iterator<Exchange> oldest = exchanges.values().iterator();
    while (exchanges.size() > MOST || (bytes > MOST_BYTES && exchanges.size() > 1)) {
      bytes -= oldest.next().bytes();
      oldest.remove();
    }
  }

  synchronized Optional<Exchange> find(String id) {
    return Optional.ofNullable(exchanges.get(id));
  }
}
