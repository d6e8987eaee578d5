package io.athanor.registry.governance;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.registry.signature.PemKeys;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** A policy as JSON. */
final class PolicyJson {
  private static final String FORMAT = "athanor-policy-1";
  private static final int MOST = 1000;

  private PolicyJson() {}

  static ObjectNode write(Policy policy) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("format", FORMAT);
    var rules = json.putArray("rules");
    policy.rules().forEach(rule -> rules.add(write(rule)));
    return json;
  }

  static ObjectNode write(StageRules rules) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("alias", rules.alias());
    json.put("approvals", rules.approvals()).put("fourEyes", rules.fourEyes());
    json.put("passedGates", rules.passedGates());
    texts(json, "documents", rules.documents());
    json.put("completeChecklist", rules.completeChecklist());
    texts(json, "signers", rules.signers().stream().map(PemKeys::text).toList());
    texts(json, "allowedLicences", rules.allowedLicences());
    texts(json, "deniedLicences", rules.deniedLicences());
    json.put("inheritedLicences", rules.inheritedLicences());
    json.put("keptVersions", rules.keptVersions());
    return json;
  }

  private static void texts(ObjectNode json, String name, Collection<String> texts) {
    var list = json.putArray(name);
    texts.forEach(list::add);
  }

  static Policy read(String source, String text) {
    JsonFields json = JsonFields.parse(source, text);
    if (!json.text("format").equals(FORMAT)) {
      throw json.fail("'format' must be " + FORMAT + ", got '" + json.text("format") + "'");
    }
    List<StageRules> rules = json.objects("rules", MOST, PolicyJson::rules);
    json.requireNoMore();
    return json.checked(() -> new Policy(rules));
  }

  private static StageRules rules(JsonFields json) {
    String alias = json.text("alias");
    int approvals = json.smallInteger("approvals");
    boolean fourEyes = json.flag("fourEyes");
    boolean passedGates = json.flag("passedGates");
    String[] documents = texts(json, "documents");
    boolean checklist = json.flag("completeChecklist");
    List<PublicKey> signers = new ArrayList<>();
    if (json.has("signers")) {
      for (String key : texts(json, "signers")) {
        signers.add(PemKeys.publicKey("'signers'", key));
      }
    }
    String[] allowed = texts(json, "allowedLicences");
    String[] denied = texts(json, "deniedLicences");
    boolean inherited = json.flag("inheritedLicences");
    boolean kept = json.flag("keptVersions");
    json.requireNoMore();
    return json.checked(
        () -> {
          StageRules.Builder rules = StageRules.of(alias).documents(documents);
          rules.signedBy(signers.toArray(PublicKey[]::new));
          rules.allowedLicences(allowed).deniedLicences(denied);
          if (approvals != 0) {
            rules.approvals(approvals);
          }
          if (fourEyes) {
            rules.fourEyes();
          }
          if (passedGates) {
            rules.passedGates();
          }
          if (checklist) {
            rules.completeChecklist();
          }
          if (inherited) {
            rules.inheritedLicences();
          }
          if (kept) {
            rules.keptVersions();
          }
          return rules.build();
        });
  }

  private static String[] texts(JsonFields json, String name) {
    return json.texts(name, MOST).toArray(String[]::new);
  }
}
