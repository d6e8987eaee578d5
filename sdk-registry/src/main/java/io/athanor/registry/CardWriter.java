package io.athanor.registry;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.MetricValue;
import io.athanor.api.model.ModelCard;
import io.athanor.api.registry.ModelFacts;
import io.athanor.api.registry.ModelType;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.registry.governance.Approval;
import io.athanor.registry.governance.Checklist;
import io.athanor.registry.governance.Document;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/** The model card of a registered version: what its files tell, and what the registry knows. */
final class CardWriter {
  /** Licences that model hubs know by their SPDX identifier in small letters. */
  private static final Set<String> HUB_LICENCES =
      Set.of(
          "afl-3.0",
          "apache-2.0",
          "artistic-2.0",
          "bsd-2-clause",
          "bsd-3-clause",
          "bsd-3-clause-clear",
          "bsl-1.0",
          "cc-by-3.0",
          "cc-by-4.0",
          "cc-by-nc-4.0",
          "cc-by-nc-nd-4.0",
          "cc-by-nc-sa-4.0",
          "cc-by-nd-4.0",
          "cc-by-sa-3.0",
          "cc-by-sa-4.0",
          "cc0-1.0",
          "epl-2.0",
          "eupl-1.2",
          "isc",
          "mit",
          "mpl-2.0",
          "ms-pl",
          "unlicense",
          "wtfpl",
          "zlib");

  private final ModelRegistry registry;
  private final ModelVersion version;
  private final Optional<EvaluationReport> report;
  private final Optional<Checklist> checklist;
  private final List<Document> documents;
  private final Optional<ModelCard> files;
  private final ModelCard card;

  private CardWriter(ModelRegistry registry, ModelVersion version) {
    this.registry = registry;
    this.version = version;
    this.report = registry.report(version);
    this.documents = registry.documents(version).list();
    this.checklist = registry.documents(version).checklist();
    this.files =
        version.facts().weights().isPresent()
            ? Optional.of(ModelCard.of(version.artifact()))
            : Optional.empty();
    this.card =
        ModelCard.titled(
            version.id() + version.semanticVersion().map(v -> " (" + v + ")").orElse(""));
  }

  static String write(ModelRegistry registry, ModelVersion version) {
    return new CardWriter(registry, version).write();
  }

  private String write() {
    header();
    summary();
    card.section("Intended use", intendedUse());
    card.section("Limits", limits());
    card.section("Licence", licence());
    card.section("Measured", measured());
    copy("Measured in training");
    card.section("Data", data());
    card.section("Bias", bias());
    card.section("Origin", origin());
    card.section("Approvals", approvals());
    card.section("Documents", documents());
    checklist.ifPresent(list -> card.section("Checklist", checklist(list)));
    copy("Use");
    copy("Made");
    return card.toString();
  }

  private void copy(String heading) {
    files.flatMap(told -> told.section(heading)).ifPresent(text -> card.section(heading, text));
  }

  private void header() {
    ObjectNode header = card.header();
    files.ifPresent(told -> header.setAll(told.header()));
    header.remove("model-index");
    version.notes().licence().ifPresent(licence -> licence(header, licence));
    version.parent().ifPresent(parent -> header.put("base_model", parent.toString()));
    pipelineTag().ifPresent(tag -> header.put("pipeline_tag", tag));
    ArrayNode tags = header.withArray("tags");
    version.notes().tags().forEach((key, value) -> tags.add(key + ":" + value));
    if (tags.isEmpty()) {
      header.remove("tags");
    }
    if (!version.metrics().isEmpty()) {
      index(header);
    }
  }

  private static void licence(ObjectNode header, String licence) {
    String id = licence.toLowerCase(Locale.ROOT);
    boolean known = HUB_LICENCES.contains(id);
    header.put("license", known ? id : "other");
    if (!known) {
      header.put("license_name", licence);
    }
  }

  private Optional<String> pipelineTag() {
    if (files.isPresent()) {
      return Optional.of(files.get().header().path("pipeline_tag").asText());
    }
    return switch (version.facts().type()) {
      case LANGUAGE_MODEL, GENERATION -> Optional.of("text-generation");
      case EMBEDDING -> Optional.of("sentence-similarity");
      case CLASSIFICATION, REGRESSION, MULTIMODAL, CUSTOM -> Optional.empty();
    };
  }

  private void index(ObjectNode header) {
    ObjectNode entry = header.putArray("model-index").addObject().put("name", version.name());
    ObjectNode result = entry.putArray("results").addObject();
    result.putObject("task").put("type", pipelineTag().orElse("other"));
    result
        .putObject("dataset")
        .put("type", "private")
        .put(
            "name",
            report.map(r -> "test data " + r.test().fingerprint().brief()).orElse("private"));
    ArrayNode metrics = result.putArray("metrics");
    version
        .metrics()
        .forEach((name, value) -> metrics.addObject().put("type", name).put("value", value));
  }

  private void summary() {
    ModelFacts facts = version.facts();
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("version", version.id().toString()));
    rows.add(List.of("digest", version.digest().toString()));
    rows.add(List.of("state", small(version.state())));
    if (facts.type() != ModelType.CUSTOM) {
      rows.add(List.of("type", small(facts.type()).replace('_', ' ')));
    }
    facts.task().ifPresent(task -> rows.add(List.of("task", task)));
    facts.architecture().ifPresent(name -> rows.add(List.of("architecture", name)));
    facts.precision().ifPresent(format -> rows.add(List.of("numbers", format.name())));
    rows.add(List.of("parameters", number(facts.parameters())));
    rows.add(List.of("context in tokens", number(facts.contextLength())));
    rows.add(List.of("bytes", String.format(Locale.ROOT, "%,d", version.bytes())));
    rows.add(List.of("registered", stamp(version.created())));
    rows.removeIf(row -> row.get(1).isEmpty());
    String told = files.map(ModelCard::summary).orElse("");
    card.summary(
        String.join(
            "\n\n",
            ModelCard.paragraphs(version.notes().description()),
            told,
            ModelCard.table(List.of("", ""), rows)));
  }

  private static String number(OptionalLong number) {
    return number.isPresent() ? String.format(Locale.ROOT, "%,d", number.getAsLong()) : "";
  }

  private static String number(OptionalInt number) {
    return number.isPresent() ? String.format(Locale.ROOT, "%,d", number.getAsInt()) : "";
  }

  private String intendedUse() {
    List<String> lines = new ArrayList<>();
    version.notes().specialisation().map(ModelCard::paragraphs).ifPresent(lines::add);
    answer("intended-use").ifPresent(lines::add);
    return lines.isEmpty() ? "Nobody has said." : String.join("\n\n", lines);
  }

  private String limits() {
    List<String> lines = new ArrayList<>();
    answer("limits").ifPresent(lines::add);
    files.flatMap(told -> told.section("Limits")).ifPresent(lines::add);
    return lines.isEmpty() ? "Nobody has said." : String.join("\n\n", lines);
  }

  private String bias() {
    List<Document> examined =
        documents.stream().filter(document -> document.kind().equals(Document.BIAS)).toList();
    String found =
        examined.isEmpty()
            ? "No results of an examination are attached."
            : "Examined; the results are attached as "
                + examined.stream()
                    .map(document -> "`" + document.digest().brief() + "`")
                    .collect(Collectors.joining(", "))
                + ".";
    return answer("bias").map(text -> text + "\n\n" + found).orElse(found);
  }

  private Optional<String> answer(String item) {
    return checklist
        .flatMap(list -> list.item(item))
        .flatMap(Checklist.Item::answer)
        .map(answer -> ModelCard.paragraphs(answer.text()));
  }

  private String licence() {
    String licence =
        version
            .notes()
            .licence()
            .map(expression -> "`" + ModelCard.code(expression) + "`")
            .orElse("Nobody has said.");
    return version
        .notes()
        .terms()
        .map(terms -> licence + "\n\n" + ModelCard.paragraphs(terms))
        .orElse(licence);
  }

  private String measured() {
    if (report.isEmpty()) {
      return "There is no evaluation report.";
    }
    EvaluationReport evaluation = report.get();
    String interval = String.format(Locale.ROOT, "%g", evaluation.sampling().confidence() * 100);
    List<List<String>> rows = evaluation.metrics().stream().map(CardWriter::row).toList();
    String decisions =
        evaluation.decisions().stream()
            .map(
                decision ->
                    "- "
                        + (decision.kind() == GateDecision.Kind.PASSED
                            ? "passed"
                            : "**not passed**")
                        + ": "
                        + ModelCard.plain(decision.gate() + ": " + decision.sentence()))
            .collect(Collectors.joining("\n"));
    return String.format(
            Locale.ROOT,
            "On %,d rows with fingerprint `%s`, %s.",
            evaluation.test().rows(),
            evaluation.test().fingerprint().brief(),
            evaluation.created())
        + "\n\n"
        + ModelCard.table(
            List.of("metric", "value", interval.replaceAll("\\.?0+$", "") + " % interval"), rows)
        + (decisions.isEmpty() ? "" : "\n" + decisions);
  }

  private static List<String> row(MetricValue metric) {
    String name = metric.title() + (metric.unit().isEmpty() ? "" : " in " + metric.unit());
    return metric
        .estimate()
        .map(
            e ->
                List.of(
                    name,
                    String.format(Locale.ROOT, "%.6g", e.value()),
                    String.format(Locale.ROOT, "%.6g to %.6g", e.low(), e.high())))
        .orElseGet(() -> List.of(name, "undefined", metric.note()));
  }

  private String data() {
    Optional<String> told =
        files.flatMap(card -> card.section("Data")).filter(text -> !text.isEmpty());
    if (told.isPresent()) {
      return told.get();
    }
    List<Digest> data = version.facts().data();
    return data.isEmpty()
        ? "Nothing is known of the training data."
        : data.stream()
            .map(fingerprint -> "- fingerprint `" + fingerprint.brief() + "`")
            .collect(Collectors.joining("\n"));
  }

  private String origin() {
    Lineage lineage = registry.lineage(version);
    List<String> lines = new ArrayList<>();
    lineage.ancestors().forEach(ancestor -> lines.add("- made from " + described(ancestor)));
    if (lineage.ancestors().isEmpty()) {
      lines.add(
          version
              .facts()
              .base()
              .map(base -> "- continues weights `" + base.brief() + "`")
              .orElse("- made from no other model that is known"));
    }
    lineage.descendants().forEach(made -> lines.add("- " + described(made) + " was made from it"));
    version.job().ifPresent(job -> lines.add("- by job `" + ModelCard.code(job) + "`"));
    return String.join("\n", lines);
  }

  private static String described(ModelVersion other) {
    return "`"
        + other.id()
        + "`"
        + other
            .notes()
            .licence()
            .map(licence -> ", under `" + ModelCard.code(licence) + "`")
            .orElse("");
  }

  private String approvals() {
    List<Approval> all = registry.approvals().of(version);
    if (all.isEmpty()) {
      return "None was requested.";
    }
    return all.stream()
        .map(
            approval ->
                "- for `"
                    + approval.alias()
                    + "`: "
                    + small(approval.status())
                    + (approval.isAbout(version) ? "" : ", for another evaluation report")
                    + approval.decisions().stream()
                        .map(
                            decision ->
                                "; "
                                    + small(decision.answer())
                                    + " by "
                                    + ModelCard.plain(stamp(decision.by()))
                                    + ": "
                                    + ModelCard.plain(decision.reason()))
                        .collect(Collectors.joining()))
        .collect(Collectors.joining("\n"));
  }

  private String documents() {
    if (documents.isEmpty()) {
      return "None is attached.";
    }
    return ModelCard.table(
        List.of("kind", "digest", "media type", "bytes", "attached"),
        documents.stream()
            .map(
                document ->
                    List.of(
                        document.kind(),
                        document.digest().brief(),
                        document.mediaType(),
                        String.format(Locale.ROOT, "%,d", document.bytes()),
                        stamp(document.added())))
            .toList());
  }

  private static String checklist(Checklist list) {
    return ModelCard.table(
        List.of("question", "answer", "given"),
        list.items().stream()
            .map(
                item ->
                    List.of(
                        item.question(),
                        item.answer().map(Checklist.Answer::text).orElse("open"),
                        item.answer().map(answer -> stamp(answer.given())).orElse("")))
            .toList());
  }

  private static String stamp(ModelVersion.Stamp stamp) {
    return stamp.at() + stamp.by().map(Principal::name).map(name -> " by " + name).orElse("");
  }

  private static String small(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
