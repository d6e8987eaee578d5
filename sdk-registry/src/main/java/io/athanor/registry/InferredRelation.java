package io.athanor.registry;

import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Relation;
import java.util.List;
import java.util.Map;

/** How a model was made from its parent, as far as the model itself tells. */
final class InferredRelation {
  private final ModelArtifact model;
  private final ModelVersion parent;

  private InferredRelation(ModelArtifact model, ModelVersion parent) {
    this.model = model;
    this.parent = parent;
  }

  static Relation of(ModelArtifact model, ModelVersion parent) {
    return new InferredRelation(model, parent).relation();
  }

  private Relation relation() {
    if (model.provenance().base().isEmpty()
        || !model.provenance().base().equals(parent.facts().weights())) {
      return Relation.DERIVED;
    }
    if (taughtByParent()) {
      return Relation.DISTILLED;
    }
    List<?> compression =
        model.config().get("compression") instanceof List<?> steps ? steps : List.of();
    if (!compression.isEmpty()) {
      if (compression.get(compression.size() - 1).equals("int8")) {
        return Relation.QUANTIZED;
      }
      // What is trained after it was pruned still says so, but is not smaller than its parent.
      if (model.graph().parameterCount() < parent.facts().parameters().orElse(0)) {
        return Relation.PRUNED;
      }
    }
    if (trainedAsAWhole()) {
      return Relation.CONTINUED;
    }
    return model.config().get("tuning") instanceof Map<?, ?> ? Relation.ADAPTER : Relation.MERGED;
  }

  private boolean taughtByParent() {
    return model.provenance().data().stream()
        .flatMap(data -> data.steps().stream())
        .filter(step -> step.name().equals("teacher"))
        .anyMatch(step -> parent.facts().weights().filter(step.fingerprint()::equals).isPresent());
  }

  private boolean trainedAsAWhole() {
    try {
      JsonFields plan = JsonFields.parse("plan", model.provenance().plan());
      return !plan.has("tuning") || plan.object("tuning").text("kind").equals("full");
    } catch (FormatException e) {
      return true; // Another program's plan, which knows no adapters of ours.
    }
  }
}
