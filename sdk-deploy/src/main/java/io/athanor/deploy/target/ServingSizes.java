package io.athanor.deploy.target;

import io.athanor.api.backend.MemoryEstimate;
import io.athanor.api.backend.Precision;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.model.ModelArtifact;
import java.util.HashMap;
import java.util.Map;

/** The largest inputs that a served model meets, and the memory they take. */
final class ServingSizes {
  private ServingSizes() {}

  /** Of one pass with so many rows, each as long as the model takes them. */
  static MemoryEstimate memory(ModelArtifact model, int rows, Precision precision) {
    Graph graph = model.graph().forPrediction();
    Map<String, Long> sizes = new HashMap<>();
    for (Input input : graph.inputs()) {
      for (Dim dim : input.type().shape().dims()) {
        String symbol = dim.symbol();
        if (symbol != null) {
          sizes.put(symbol, dim.equals(Dim.BATCH) ? rows : longest(model));
        }
      }
    }
    return MemoryEstimate.prediction(graph, sizes, precision);
  }

  /** Most tokens of a row; 1 where there are none. */
  static long longest(ModelArtifact model) {
    if (model.encoding() instanceof LanguageEncoding language) {
      return language.contextLength();
    }
    return ((FeatureEncoding) model.encoding())
        .encoders().stream()
            .filter(Encoder.Text.class::isInstance)
            .mapToLong(encoder -> ((Encoder.Text) encoder).maximumLength())
            .max()
            .orElse(1);
  }
}
