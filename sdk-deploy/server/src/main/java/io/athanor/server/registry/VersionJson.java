package io.athanor.server.registry;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.registry.ModelFacts;
import io.athanor.api.registry.ModelNotes;
import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.VersionComparison;
import io.athanor.server.http.StrictJson;

/** Versions as JSON. */
final class VersionJson {
  private VersionJson() {}

  static ObjectNode brief(ModelVersion version) {
    ObjectNode json =
        StrictJson.object()
            .put("id", version.id().toString())
            .put("name", version.name())
            .put("version", version.number());
    version.semanticVersion().ifPresent(v -> json.put("semanticVersion", v.toString()));
    return json.put("type", JsonFields.lower(version.facts().type()))
        .put("state", JsonFields.lower(version.state()))
        .put("created", version.created().at().toString());
  }

  static ObjectNode full(ModelVersion version) {
    ObjectNode json =
        brief(version)
            .put("digest", version.digest().toString())
            .put("bytes", version.bytes())
            .put("kind", JsonFields.lower(version.kind()))
            .put("updated", version.updated().at().toString())
            .put("revision", version.revision())
            .put("verdict", JsonFields.lower(version.verdict()));
    version.created().by().ifPresent(who -> json.put("createdBy", who.name()));
    version.updated().by().ifPresent(who -> json.put("updatedBy", who.name()));
    version.parent().ifPresent(parent -> json.put("parent", parent.toString()));
    version.job().ifPresent(job -> json.put("job", job));
    facts(json, version.facts());
    notes(json, version.notes());
    ObjectNode metrics = json.putObject("metrics");
    version.metrics().forEach(metrics::put);
    return json;
  }

  private static void facts(ObjectNode json, ModelFacts facts) {
    facts.task().ifPresent(task -> json.put("task", task));
    facts.architecture().ifPresent(name -> json.put("architecture", name));
    facts.backend().ifPresent(name -> json.put("backend", name));
    facts.precision().ifPresent(format -> json.put("precision", JsonFields.lower(format)));
    facts.parameters().ifPresent(count -> json.put("parameters", count));
    facts.contextLength().ifPresent(count -> json.put("contextLength", count));
    facts.weights().ifPresent(digest -> json.put("weights", digest.toString()));
  }

  private static void notes(ObjectNode json, ModelNotes notes) {
    json.put("description", notes.description());
    notes.licence().ifPresent(licence -> json.put("licence", licence));
    notes.terms().ifPresent(terms -> json.put("terms", terms));
    notes.specialisation().ifPresent(purpose -> json.put("specialisation", purpose));
    ObjectNode tags = json.putObject("tags");
    notes.tags().forEach(tags::put);
  }

  static ObjectNode comparison(VersionComparison comparison) {
    ObjectNode json =
        StrictJson.object()
            .put("first", comparison.first().id().toString())
            .put("second", comparison.second().id().toString());
    ArrayNode metrics = json.putArray("metrics");
    for (VersionComparison.Line line : comparison.metrics()) {
      ObjectNode one = metrics.addObject().put("metric", line.metric());
      line.first().ifPresent(value -> one.put("first", value));
      line.second().ifPresent(value -> one.put("second", value));
      line.difference().ifPresent(value -> one.put("difference", value));
    }
    ArrayNode facts = json.putArray("facts");
    for (VersionComparison.Fact fact : comparison.facts()) {
      facts
          .addObject()
          .put("name", fact.name())
          .put("first", fact.first())
          .put("second", fact.second())
          .put("same", fact.same());
    }
    return json;
  }
}
