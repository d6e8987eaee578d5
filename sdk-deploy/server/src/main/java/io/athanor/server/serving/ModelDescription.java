package io.athanor.server.serving;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Column;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.deploy.ServedModel;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.server.http.StrictJson;
import java.time.Instant;
import java.util.Iterator;
import java.util.Locale;

/** What is said of a served model. */
final class ModelDescription {
  private ModelDescription() {}

  /** What OpenAI's clients read of a model. */
  static ObjectNode card(String id, Instant since) {
    return StrictJson.object()
        .put("id", id)
        .put("object", "model")
        .put("created", since.getEpochSecond())
        .put("owned_by", "athanor");
  }

  static ObjectNode of(ServedModels.Entry entry) {
    ServedModel model = entry.model();
    ObjectNode answer =
        card(model.name(), entry.since())
            .put("name", model.name())
            .put("version", model.version())
            .put("kind", entry.kind())
            .put("architecture", model.architecture())
            .put("digest", model.weights().toString())
            .put("task", taskName(model.task()))
            .put("target", model.task().target());
    if (model.task() instanceof Task.Classification classification) {
      classification.labels().forEach(answer.putArray("labels")::add);
    }
    if (model.encoding() instanceof FeatureEncoding features) {
      describe(features, answer.putArray("columns"));
    } else if (model.encoding() instanceof LanguageEncoding language) {
      answer
          .put("contextLength", language.contextLength())
          .put("conversations", language.chatTemplate().isPresent());
    }
    if (entry.live() instanceof TextDeployment text) {
      text.adapters().forEach(answer.putArray("adapters")::add);
    } else if (entry.live() instanceof EmbeddingDeployment embedding) {
      answer.put("dimensions", embedding.dimensions());
    }
    ObjectNode metrics = answer.putObject("metrics");
    model.metrics().forEach(metrics::put);
    return answer;
  }

  private static void describe(FeatureEncoding features, ArrayNode columns) {
    Iterator<Encoder> encoders = features.encoders().iterator();
    for (Column column : features.schema().features()) {
      ObjectNode described =
          columns
              .addObject()
              .put("name", column.name())
              .put("type", JsonFields.lower(column.type()));
      Encoder encoder = encoders.next();
      if (encoder instanceof Encoder.OneHot category) {
        category.categories().forEach(described.putArray("categories")::add);
      } else if (encoder instanceof Encoder.Image image) {
        described
            .put("width", image.width())
            .put("height", image.height())
            .put("channels", image.channels());
      }
    }
  }

  static String taskName(Task task) {
    return task.getClass()
        .getSimpleName()
        .replaceAll("(?<=[a-z])(?=[A-Z])", "-")
        .toLowerCase(Locale.ROOT);
  }
}
