package io.athanor.api.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Column;
import io.athanor.api.data.ColumnType;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a model is, for people and for model hubs: Markdown below a header in YAML. Texts that come
 * from elsewhere must go through {@link #plain}, {@link #code} or {@link #paragraphs}; the header
 * takes any text. Not thread-safe.
 *
 * @see <a href="https://huggingface.co/docs/hub/model-cards">The header's fields</a>
 */
public final class ModelCard {
  private static final Pattern SAFE = Pattern.compile("[A-Za-z][A-Za-z0-9_./-]*");
  private static final Pattern RESERVED =
      Pattern.compile("true|false|yes|no|on|off|null|y|n", Pattern.CASE_INSENSITIVE);
  private static final String UNPRINTABLE = "[\\p{Cc}\\p{Cs}\\u2028\\u2029\\uFEFF\\uFFFE\\uFFFF]";

  private final String title;
  private final ObjectNode header = JsonNodeFactory.instance.objectNode();
  private final Map<String, String> sections = new LinkedHashMap<>();
  private String summary = "";

  private ModelCard(String title) {
    this.title = title;
  }

  /**
   * Begins a card.
   *
   * @param title any text
   */
  public static ModelCard titled(String title) {
    return new ModelCard(plain(title));
  }

  /** What a model's own files tell of it. */
  public static ModelCard of(ModelArtifact model) {
    ModelCard card = new ModelCard(title(model));
    fillHeader(card.header, model);
    card.summary(purpose(model));
    card.section("Measured in training", metrics(model));
    card.section("Data", data(model));
    card.section("Limits", limits(model));
    card.section("Bias", "It was not examined for bias.");
    card.section("Use", use(model));
    card.section("Made", making(model));
    return card;
  }

  static String write(ModelArtifact model) {
    return of(model).toString();
  }

  /** The header's fields; may be changed. */
  public ObjectNode header() {
    return header;
  }

  /** Says in Markdown what the model is, below the title. */
  public ModelCard summary(String markdown) {
    this.summary = markdown.strip();
    return this;
  }

  /** What it says below the title. */
  public String summary() {
    return summary;
  }

  /**
   * Adds a section, or gives it another text.
   *
   * @param heading plain text
   * @param markdown its text
   */
  public ModelCard section(String heading, String markdown) {
    sections.put(heading, markdown.strip());
    return this;
  }

  /** The text of a section, if there is one. */
  public Optional<String> section(String heading) {
    return Optional.ofNullable(sections.get(heading));
  }

  /** The whole card. */
  @Override
  public String toString() {
    StringBuilder card = new StringBuilder("---\n");
    fields(card, header, "");
    card.append("---\n\n# ").append(title).append("\n\n");
    if (!summary.isEmpty()) {
      card.append(summary).append("\n\n");
    }
    sections.forEach(
        (heading, text) ->
            card.append("## ").append(plain(heading)).append("\n\n").append(text).append("\n\n"));
    return card.toString().stripTrailing() + "\n";
  }

  private static void fields(StringBuilder yaml, JsonNode object, String indent) {
    for (Map.Entry<String, JsonNode> field : object.properties()) {
      yaml.append(indent).append(scalar(field.getKey())).append(':');
      value(yaml, field.getValue(), indent);
    }
  }

  private static void value(StringBuilder yaml, JsonNode value, String indent) {
    if (value.isEmpty() && value.isContainerNode()) {
      yaml.append(value.isArray() ? " []\n" : " {}\n");
    } else if (value.isObject()) {
      yaml.append('\n');
      fields(yaml, value, indent + "  ");
    } else if (value.isArray()) {
      yaml.append('\n');
      value.forEach(item -> item(yaml, item, indent));
    } else {
      yaml.append(' ').append(scalar(value)).append('\n');
    }
  }

  private static void item(StringBuilder yaml, JsonNode item, String indent) {
    if (item.isObject() && !item.isEmpty()) {
      StringBuilder inner = new StringBuilder();
      fields(inner, item, indent + "  ");
      yaml.append(indent).append("- ").append(inner.substring(indent.length() + 2));
    } else {
      yaml.append(indent).append('-');
      value(yaml, item, indent + "  ");
    }
  }

  private static String scalar(JsonNode value) {
    if (value.isTextual()) {
      return scalar(value.textValue());
    }
    return value.isFloatingPointNumber()
        ? value.asText().replaceAll("E(?=[0-9])", "E+")
        : value.asText();
  }

  private static String scalar(String text) {
    return SAFE.matcher(text).matches() && !RESERVED.matcher(text).matches() ? text : yaml(text);
  }

  private static String title(ModelArtifact model) {
    return plain(model.architecture()) + " for `" + code(model.task().target()) + "`";
  }

  private static void fillHeader(ObjectNode header, ModelArtifact model) {
    String tag = pipelineTag(model);
    header.put("library_name", "athanor").put("pipeline_tag", tag);
    header.putArray("tags").add("athanor").add(model.architecture());
    if (!model.metrics().isEmpty()) {
      ObjectNode index = header.putArray("model-index").addObject();
      ObjectNode result = index.put("name", model.architecture()).putArray("results").addObject();
      result.putObject("task").put("type", tag);
      result.putObject("dataset").put("type", "private").put("name", sources(model));
      var metrics = result.putArray("metrics");
      model
          .metrics()
          .forEach((name, value) -> metrics.addObject().put("type", name).put("value", value));
    }
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

  private static String metrics(ModelArtifact model) {
    if (model.metrics().isEmpty()) {
      return "Nothing was measured.";
    }
    List<List<String>> rows = new ArrayList<>();
    model
        .metrics()
        .forEach(
            (name, value) -> rows.add(List.of(name, String.format(Locale.ROOT, "%.6g", value))));
    return table(List.of("metric", "value"), rows);
  }

  /**
   * A table in Markdown.
   *
   * @param heads any texts
   * @param rows any texts, as many in each row as there are heads
   */
  public static String table(List<String> heads, List<List<String>> rows) {
    StringBuilder table = new StringBuilder();
    row(table, heads);
    table.append("|---".repeat(heads.size())).append("|\n");
    rows.forEach(row -> row(table, row));
    return table.toString();
  }

  private static void row(StringBuilder table, List<String> cells) {
    cells.forEach(cell -> table.append("| ").append(plain(cell)).append(' '));
    table.append("|\n");
  }

  private static String sources(ModelArtifact model) {
    return model.provenance().data().stream()
        .map(DataProvenance::source)
        .collect(Collectors.joining(", "));
  }

  private static String data(ModelArtifact model) {
    StringBuilder text = new StringBuilder();
    for (DataProvenance data : model.provenance().data()) {
      text.append("- `").append(code(data.source())).append("`, ").append(data.rows());
      text.append(" rows, fingerprint `").append(data.fingerprint().brief()).append('`');
      new TreeMap<>(data.splits())
          .forEach((k, v) -> text.append(", ").append(plain(k)).append(' ').append(v));
      text.append('\n');
      for (DataProvenance.Step step : data.steps()) {
        text.append("  - ").append(plain(step.name())).append(": ");
        text.append(plain(step.detail())).append('\n');
      }
    }
    return text.toString();
  }

  private static String limits(ModelArtifact model) {
    StringBuilder text = new StringBuilder();
    boolean language = model.encoding() instanceof LanguageEncoding;
    text.append("The numbers above hold for ").append(language ? "texts" : "rows");
    text.append(" like those it was trained on. ");
    if (language && !(model.task() instanceof Task.Embedding)) {
      text.append("What it says may be wrong. ");
    }
    if (model.task() instanceof Task.Classification) {
      text.append(
          "It knows no other label than those listed, and gives one of them to any input. ");
    }
    return text.toString();
  }

  private static String use(ModelArtifact model) {
    return "```java\n"
        + "ModelArtifact model = ArtifactFolder.read(Path.of(\"this-folder\"));\n"
        + (model.encoding() instanceof LanguageEncoding language
            ? languageUse(language)
            : """
              try (Predictor predictor = Predictor.of(model, backend)) {
                Prediction prediction = predictor.predict(row);
              }
              """)
        + "```\n";
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

  private static String making(ModelArtifact model) {
    StringBuilder text = new StringBuilder();
    Provenance made = model.provenance();
    text.append(made.created()).append(", seed ").append(made.seed());
    made.base()
        .map(Digest::brief)
        .ifPresent(b -> text.append(", continues `").append(b).append('`'));
    text.append(".\n\n```json\n").append(made.plan().replace("```", "'''")).append("\n```\n\n");
    for (Map.Entry<String, String> fact : new TreeMap<>(made.environment()).entrySet()) {
      text.append("- ").append(plain(fact.getKey())).append(": ");
      text.append(plain(fact.getValue())).append('\n');
    }
    return text.toString();
  }

  /** As a double-quoted YAML scalar. */
  private static String yaml(String text) {
    return '"' + printable(text).replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private static String printable(String text) {
    return text.replaceAll(UNPRINTABLE, " ");
  }

  /** Any text, safe between back-ticks. */
  public static String code(String text) {
    return printable(text).replace('`', '\'');
  }

  /** Any text on one line, safe in running text and tables: neither tags nor links. */
  public static String plain(String text) {
    return code(text).replace("|", "/").replace("<", "&lt;").replace("[", "\\[");
  }

  /** Any text, its lines kept; none of them becomes a heading, a list, a rule or a quotation. */
  public static String paragraphs(String text) {
    return text.lines()
        .map(line -> plain(line.strip()))
        .map(line -> line.matches("[#>+*=~_-].*") ? "\\" + line : line)
        .collect(Collectors.joining("\n"));
  }
}
