package io.athanor.deploy.serve;

import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import java.util.HashMap;
import java.util.Map;

/** A row that a model accepts, for its first passes. */
final class SampleRow {
  private SampleRow() {}

  static Row of(FeatureEncoding encoding) {
    Map<String, Object> cells = new HashMap<>();
    for (Encoder encoder : encoding.encoders()) {
      if (encoder instanceof Encoder.Standardize number) {
        cells.put(number.column(), number.mean());
      } else if (encoder instanceof Encoder.OneHot category) {
        cells.put(category.column(), category.categories().get(0));
      } else if (encoder instanceof Encoder.Text text) {
        cells.put(text.column(), "a few words to begin with");
      } else if (encoder instanceof Encoder.Image image) {
        byte[] black = new byte[image.width() * image.height() * image.channels()];
        cells.put(
            image.column(), Pixels.of(image.width(), image.height(), image.channels(), black));
      }
    }
    return Row.of(cells);
  }
}
