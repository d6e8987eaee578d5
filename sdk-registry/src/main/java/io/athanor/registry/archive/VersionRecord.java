package io.athanor.registry.archive;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.registry.ModelFacts;
import io.athanor.api.registry.ModelNotes;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Relation;
import io.athanor.api.registry.SemanticVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.governance.Document;
import io.athanor.registry.governance.LicenceExpression;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What an archive says of its version beside the files. Facts and metrics are written for those who
 * read the archive without a registry; a registry takes them from the files and the report.
 *
 * @param id what it was called
 * @param digest of its files
 * @param parentWeights the weights of the version it was made from
 * @param relation how it was made from that
 */
public record VersionRecord(
    VersionId id,
    Optional<SemanticVersion> semanticVersion,
    Digest digest,
    ModelNotes notes,
    Optional<String> job,
    Optional<Digest> parentWeights,
    Relation relation) {
  private static final int FORMAT = 1;

  /**
   * A version as JSON, the same text for the same state of it.
   *
   * @param parent the version it was made from, if that is still there
   * @param documents what is attached to it
   */
  static ObjectNode write(
      ModelVersion version, Optional<ModelVersion> parent, List<Document> documents) {
    ObjectNode json = object();
    json.put("format", FORMAT);
    json.put("name", version.name());
    json.put("number", version.number());
    json.put("digest", version.digest().hex());
    json.put("semanticVersion", text(version.semanticVersion()));
    json.put("kind", JsonFields.lower(version.kind()));
    json.put("relation", JsonFields.lower(version.relation()));
    json.put("state", JsonFields.lower(version.state()));
    json.set("created", stamp(version.created()));
    json.set("updated", stamp(version.updated()));
    json.put("revision", version.revision());
    json.put("job", text(version.job()));
    json.set("facts", facts(version.facts()));
    json.set("notes", notes(version.notes()));
    ObjectNode metrics = json.putObject("metrics");
    version.metrics().forEach((name, value) -> metrics.put(name, value.toString()));
    json.put("verdict", JsonFields.lower(version.verdict()));
    json.put("report", text(version.report().map(Digest::hex)));
    json.set("parent", parent.map(VersionRecord::parent).orElse(null));
    ArrayNode attached = json.putArray("documents");
    for (Document document : documents) {
      ObjectNode one = attached.addObject();
      one.put("kind", document.kind());
      one.put("digest", document.digest().hex());
      one.put("mediaType", document.mediaType());
      one.set("added", stamp(document.added()));
    }
    return json;
  }

  private static ObjectNode parent(ModelVersion parent) {
    ObjectNode json = object();
    json.put("version", parent.id().toString());
    json.put("digest", parent.digest().hex());
    json.put("weights", text(parent.facts().weights().map(Digest::hex)));
    return json;
  }

  private static ObjectNode facts(ModelFacts facts) {
    ObjectNode json = object();
    json.put("type", JsonFields.lower(facts.type()));
    json.put("task", text(facts.task()));
    json.put("architecture", text(facts.architecture()));
    json.put("backend", text(facts.backend()));
    json.put("precision", text(facts.precision().map(JsonFields::lower)));
    facts.parameters().ifPresent(count -> json.put("parameters", count));
    facts.contextLength().ifPresent(tokens -> json.put("contextLength", tokens));
    json.put("weights", text(facts.weights().map(Digest::hex)));
    ArrayNode data = json.putArray("data");
    facts.data().forEach(fingerprint -> data.add(fingerprint.hex()));
    json.put("base", text(facts.base().map(Digest::hex)));
    json.put("plan", text(facts.plan()));
    return json;
  }

  private static ObjectNode notes(ModelNotes notes) {
    ObjectNode json = object();
    json.put("description", notes.description());
    json.put("licence", text(notes.licence()));
    json.put("terms", text(notes.terms()));
    json.put("specialisation", text(notes.specialisation()));
    ObjectNode tags = json.putObject("tags");
    notes.tags().forEach(tags::put);
    return json;
  }

  private static ObjectNode stamp(ModelVersion.Stamp stamp) {
    ObjectNode json = object();
    json.put("at", stamp.at().toString());
    json.put("by", text(stamp.by()));
    return json;
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  private static @Nullable String text(Optional<?> value) {
    return value.map(Object::toString).orElse(null);
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @param source named in errors
   * @throws io.athanor.api.error.FormatException if it is not that
   */
  static VersionRecord read(String source, String text) {
    JsonFields json = JsonFields.parse(source, text);
    int format = json.smallInteger("format");
    if (format != FORMAT) {
      throw json.fail("expected format " + FORMAT + ", got " + format + ". Use a newer Athanor");
    }
    return json.checked(
        () ->
            new VersionRecord(
                new VersionId(json.text("name"), json.smallInteger("number")),
                optional(json, "semanticVersion").map(SemanticVersion::of),
                json.digest("digest"),
                notes(json.object("notes")),
                optional(json, "job").filter(job -> !job.isBlank()),
                json.node("parent").isNull()
                    ? Optional.empty()
                    : optional(json.object("parent"), "weights").map(Digest::new),
                json.choice("relation", Relation.class)));
  }

  private static ModelNotes notes(JsonFields json) {
    Map<String, String> tags = new TreeMap<>();
    JsonFields written = json.object("tags");
    written.names().forEach(name -> tags.put(name, written.text(name)));
    return LicenceExpression.normalised(
        new ModelNotes(
            json.text("description"),
            optional(json, "licence"),
            optional(json, "terms"),
            optional(json, "specialisation"),
            tags));
  }

  private static Optional<String> optional(JsonFields json, String name) {
    return Optional.ofNullable(json.textOrNull(name));
  }
}
