package io.athanor.api.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.error.FormatException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A {@link Provenance} as JSON. */
final class ProvenanceJson {
  private static final int MAX_ITEMS = 100_000;

  private ProvenanceJson() {}

  static ObjectNode write(Provenance provenance) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("created", provenance.created().toString()).put("seed", provenance.seed());
    json.put("plan", provenance.plan());
    ArrayNode data = json.putArray("data");
    provenance.data().forEach(item -> data.add(write(item)));
    json.put("base", provenance.base().map(Digest::hex).orElse(null));
    ObjectNode environment = json.putObject("environment");
    new TreeMap<>(provenance.environment()).forEach(environment::put);
    return json;
  }

  private static ObjectNode write(DataProvenance data) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("source", data.source()).put("fingerprint", data.fingerprint().hex());
    json.put("rows", data.rows());
    ArrayNode steps = json.putArray("steps");
    for (DataProvenance.Step step : data.steps()) {
      ObjectNode item = steps.addObject().put("name", step.name()).put("detail", step.detail());
      item.put("fingerprint", step.fingerprint().hex());
    }
    ObjectNode splits = json.putObject("splits");
    new TreeMap<>(data.splits()).forEach(splits::put);
    return json.put("seed", data.seed());
  }

  /**
   * @throws FormatException if the JSON is not of this format; names the place
   */
  static Provenance read(JsonFields fields) {
    Optional<Digest> base =
        fields.textOrNull("base") == null ? Optional.empty() : Optional.of(fields.digest("base"));
    Provenance provenance =
        new Provenance(
            fields.instant("created"),
            fields.integer("seed"),
            fields.text("plan"),
            fields.objects("data", MAX_ITEMS, ProvenanceJson::data),
            base,
            texts(fields.object("environment")));
    fields.requireNoMore();
    return provenance;
  }

  private static DataProvenance data(JsonFields fields) {
    List<DataProvenance.Step> steps = fields.objects("steps", MAX_ITEMS, ProvenanceJson::step);
    JsonFields splits = fields.object("splits");
    Map<String, Long> sizes = new TreeMap<>();
    splits.names().forEach(name -> sizes.put(name, splits.integer(name)));
    DataProvenance data =
        new DataProvenance(
            fields.text("source"),
            fields.digest("fingerprint"),
            fields.integer("rows"),
            steps,
            sizes,
            fields.integer("seed"));
    fields.requireNoMore();
    return data;
  }

  private static DataProvenance.Step step(JsonFields fields) {
    DataProvenance.Step step =
        new DataProvenance.Step(
            fields.text("name"), fields.text("detail"), fields.digest("fingerprint"));
    fields.requireNoMore();
    return step;
  }

  private static Map<String, String> texts(JsonFields fields) {
    Map<String, String> texts = new TreeMap<>();
    fields.names().forEach(name -> texts.put(name, fields.text(name)));
    return texts;
  }
}
