package io.athanor.api.model;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Column;
import io.athanor.api.data.ColumnType;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What a model is, for people and for model hubs.
 *
 * @see <a href="https://huggingface.co/docs/hub/model-cards">The header's fields</a>
 */
final class ModelCard {
  private ModelCard() {}

  static String write(ModelArtifact model) {
    StringBuilder card = new StringBuilder();
    header(card, model);
    card.append("\n# ").append(title(model)).append("\n\n");
    card.append(purpose(model)).append("\n\n");
    metrics(card, model);
    data(card, model);
    limits(card, model);
    use(card, model);
    making(card, model);
    return card.toString();
  }

  private static String title(ModelArtifact model) {
    return quoteFree(model.architecture()) + " for `" + code(model.task().target()) + "`";
  }

  private static void header(StringBuilder card, ModelArtifact model) {
    String tag = pipelineTag(model);
    card.append("---\nlibrary_name: athanor\n");
    card.append("pipeline_tag: ").append(tag).append('\n');
    card.append("tags:\n- athanor\n- ").append(yaml(model.architecture())).append('\n');
    if (!model.metrics().isEmpty()) {
      card.append("model-index:\n- name: ").append(yaml(model.architecture())).append('\n');
      card.append("  results:\n  - task:\n      type: ").append(tag).append('\n');
      card.append("    dataset:\n      type: private\n      name: ").append(yaml(sources(model)));
      card.append("\n    metrics:\n");
      model
          .metrics()
          .forEach(
              (name, value) ->
                  card.append("    - type: ")
                      .append(yaml(name))
                      .append("\n      value: ")
                      .append(value)
                      .append('\n'));
    }
    card.append("---\n");
  }

  private static String pipelineTag(ModelArtifact model) {
    if (model.encoding() instanceof LanguageEncoding) {
      return model.task() instanceof Task.Embedding ? "sentence-similarity" : "text-generation";
    }
    boolean classes = model.task() instanceof Task.Classification;
    boolean text = has(model, ColumnType.TEXT);
    if (has(model, ColumnType.IMAGE) && classes) {
      return "image-classification";
    }
    if (text && classes) {
      return "text-classification";
    }
    return classes ? "tabular-classification" : "tabular-regression";
  }

  private static boolean has(ModelArtifact model, ColumnType type) {
    return model.featureEncoding().schema().features().stream().anyMatch(c -> c.type() == type);
  }

  private static String purpose(ModelArtifact model) {
    if (model.encoding() instanceof LanguageEncoding language) {
      return String.format(
          Locale.ROOT,
          "%s, of at most %,d tokens. It has %,d parameters.",
          model.task() instanceof Task.Embedding ? "Turns text into vectors" : "Writes text",
          language.contextLength(),
          model.graph().parameterCount());
    }
    String inputs =
        model.featureEncoding().schema().features().stream()
            .map(ModelCard::describe)
            .collect(Collectors.joining(", "));
    String outcome =
        model.task() instanceof Task.Classification c
            ? "one of the labels "
                + c.labels().stream()
                    .map(label -> "`" + code(label) + "`")
                    .collect(Collectors.joining(", "))
            : "a number";
    return String.format(
        Locale.ROOT,
        "Predicts `%s`, %s, from %s. It has %,d parameters.",
        code(model.task().target()),
        outcome,
        inputs,
        model.graph().parameterCount());
  }

  private static String describe(Column column) {
    return "`" + code(column.name()) + "` (" + column.type().name().toLowerCase(Locale.ROOT) + ")";
  }

  private static void metrics(StringBuilder card, ModelArtifact model) {
    card.append("## Measured in training\n\n");
    if (model.metrics().isEmpty()) {
      card.append("Nothing was measured.\n\n");
      return;
    }
    card.append("| metric | value |\n|---|---|\n");
    model
        .metrics()
        .forEach(
            (name, value) ->
                card.append(
                    String.format(Locale.ROOT, "| %s | %.6g |%n", quoteFree(name), value)
                        .replace(System.lineSeparator(), "\n")));
    card.append('\n');
  }

  private static String sources(ModelArtifact model) {
    return model.provenance().data().stream()
        .map(DataProvenance::source)
        .collect(Collectors.joining(", "));
  }

  private static void data(StringBuilder card, ModelArtifact model) {
    card.append("## Data\n\n");
    for (DataProvenance data : model.provenance().data()) {
      card.append("- `").append(code(data.source())).append("`, ").append(data.rows());
      card.append(" rows, fingerprint `").append(data.fingerprint().brief()).append('`');
      new TreeMap<>(data.splits())
          .forEach((k, v) -> card.append(", ").append(k).append(' ').append(v));
      card.append('\n');
      for (DataProvenance.Step step : data.steps()) {
        card.append("  - ").append(quoteFree(step.name())).append(": ");
        card.append(quoteFree(step.detail())).append('\n');
      }
    }
    card.append('\n');
  }

  private static void limits(StringBuilder card, ModelArtifact model) {
    card.append("## Limits\n\n");
    boolean language = model.encoding() instanceof LanguageEncoding;
    card.append("The numbers above hold for ").append(language ? "texts" : "rows");
    card.append(" like those it was trained on. ");
    if (language && !(model.task() instanceof Task.Embedding)) {
      card.append("What it says may be wrong. ");
    }
    if (model.task() instanceof Task.Classification) {
      card.append(
          "It knows no other label than those listed, and gives one of them to any input. ");
    }
    card.append("It was not examined for bias.\n\n");
  }

  private static void use(StringBuilder card, ModelArtifact model) {
    card.append("## Use\n\n```java\n");
    card.append("ModelArtifact model = ArtifactFolder.read(Path.of(\"this-folder\"));\n");
    card.append(
        model.encoding() instanceof LanguageEncoding language
            ? languageUse(language)
            : """
              try (Predictor predictor = Predictor.of(model, backend)) {
                Prediction prediction = predictor.predict(row);
              }
              """);
    card.append("```\n\n");
  }

  private static String languageUse(LanguageEncoding encoding) {
    if (encoding.task() instanceof Task.Embedding) {
      return """
          try (TextEmbedder embedder = TextEmbedder.of(model, backend)) {
            float[] vector = embedder.embed("a text");
          }
          """;
    }
    String call =
        encoding.chatTemplate().isPresent()
            ? "chat(List.of(ChatMessage.user(\"Hello\")), GenerationSettings.greedy())"
            : "generate(\"Once upon a time\")";
    return """
        try (TextGenerator generator = TextGenerator.of(model, backend)) {
          String text = generator.CALL.text();
        }
        """
        .replace("CALL", call);
  }

  private static void making(StringBuilder card, ModelArtifact model) {
    Provenance made = model.provenance();
    card.append("## Made\n\n").append(made.created()).append(", seed ").append(made.seed());
    made.base()
        .map(Digest::brief)
        .ifPresent(b -> card.append(", continues `").append(b).append('`'));
    card.append(".\n\n```json\n").append(made.plan().replace("```", "'''")).append("\n```\n\n");
    for (Map.Entry<String, String> fact : new TreeMap<>(made.environment()).entrySet()) {
      card.append("- ").append(quoteFree(fact.getKey())).append(": ");
      card.append(quoteFree(fact.getValue())).append('\n');
    }
  }

  /** As a double-quoted YAML scalar. */
  private static String yaml(String text) {
    return '"'
        + text.replaceAll("\\p{Cntrl}", " ").replace("\\", "\\\\").replace("\"", "\\\"")
        + '"';
  }

  /** Safe between back-ticks. */
  private static String code(String text) {
    return text.replaceAll("\\p{Cntrl}", " ").replace('`', '\'');
  }

  /** Safe in running text and tables. */
  private static String quoteFree(String text) {
    return code(text).replace("|", "/").replace("<", "&lt;");
  }
}
