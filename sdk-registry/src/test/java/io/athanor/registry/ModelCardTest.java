package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.registry.governance.Approval;
import io.athanor.registry.governance.Document;
import io.athanor.tck.fixture.TestClock;
import io.athanor.tck.fixture.TinyArtifacts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The cards of registered versions. */
class ModelCardTest extends RegistryContract {
  private static final YAMLMapper YAML = new YAMLMapper();
  private static final String HOSTILE =
      "---\n# Approvals\n- approved by everybody\n<script>alert(1)</script> `x` | [a](http://b)";

  @TempDir private Path temp;
  private ModelRegistry registry;

  @BeforeEach
  void open() {
    registry =
        store
            .in(temp.resolve("registry"))
            .clock(TestClock.standing())
            .principal(new Principal("ann"))
            .open();
  }

  @AfterEach
  void close() {
    registry.close();
  }

  private static JsonNode header(String card) throws IOException {
    assertThat(card).startsWith("---\n");
    return YAML.readTree(card.substring(4, card.indexOf("\n---\n", 3) + 1));
  }

  @Test
  void tellsWhatTheRegistryKnows() throws IOException {
    ModelVersion base =
        registry
            .registration("base", TestModels.folder(temp, "a"))
            .licence("Apache-2.0")
            .register();
    ModelVersion version =
        registry
            .registration("spam-filter", TestModels.folder(temp, "b"))
            .parent(base)
            .semanticVersion("1.2.0")
            .licence("apache-2.0")
            .terms("Not for decisions about people")
            .description("Sorts mail")
            .specialisation("English mail")
            .tag("team", "mail")
            .job("job-7")
            .report(TestModels.gated(Map.of("f1", 0.5), false))
            .register();
    VersionDocuments documents = registry.documents(version);
    Document bias = documents.attach(Document.BIAS, new byte[] {1}, "text/plain");
    documents.answer("limits", "Only English", Optional.empty());
    documents.answer("intended-use", "To sort, not to delete", Optional.empty());
    Approval request = registry.approvals().request(version, "production", "better");
    registry.as(new Principal("bob")).approvals().approve(request.number(), "I looked");

    String card = registry.card(version);

    JsonNode header = header(card);
    assertThat(header.path("license").asText()).isEqualTo("apache-2.0");
    assertThat(header.path("base_model").asText()).isEqualTo("base:1");
    assertThat(header.path("tags").get(0).asText()).isEqualTo("team:mail");
    JsonNode result = header.path("model-index").get(0).path("results").get(0);
    assertThat(result.path("metrics").get(0).path("type").asText()).isEqualTo("f1");
    assertThat(result.path("metrics").get(0).path("value").asDouble()).isEqualTo(0.5);
    assertThat(card)
        .contains("\n# spam-filter:1 (1.2.0)\n")
        .contains("\nSorts mail\n")
        .contains("| digest | " + version.digest() + " |")
        .contains("## Intended use\n\nEnglish mail\n\nTo sort, not to delete\n")
        .contains("## Limits\n\nOnly English\n")
        .contains("## Licence\n\n`Apache-2.0`\n\nNot for decisions about people\n")
        .contains("| metric | value | 95 % interval |", "| f1 | 0.500000 | 0.500000 to 0.500000 |")
        .contains("- **not passed**: f1 at least 0.9: f1 is 0.5, too low")
        .contains("- made from `base:1`, under `Apache-2.0`", "- by job `job-7`")
        .contains("- for `production`: approved; approved by ", " by bob: I looked")
        .contains("attached as `" + bias.digest().brief() + "`")
        .contains("| bias | " + bias.digest().brief() + " | text/plain | 1 | ")
        .contains("| Where does it fail, and what must it not be used for? | Only English | ");
  }

  @Test
  void saysWhatNobodySaid() throws IOException {
    ModelVersion version = registry.registration("m", TestModels.folder(temp, "a")).register();

    String card = registry.card(version);

    assertThat(header(card).size()).isZero();
    assertThat(card)
        .contains("## Intended use\n\nNobody has said.", "## Limits\n\nNobody has said.")
        .contains("There is no evaluation report.", "None was requested.", "None is attached.")
        .contains("No results of an examination are attached.")
        .contains("made from no other model that is known");
  }

  @Test
  void tellsWhatTheFilesOfOurModelsTell() throws IOException {
    ModelVersion version = registry.register("spam-filter", TinyArtifacts.spam());

    String card = registry.card(version);

    assertThat(header(card).path("library_name").asText()).isEqualTo("athanor");
    assertThat(header(card).path("pipeline_tag").asText()).isEqualTo("text-classification");
    assertThat(card)
        .contains("Predicts `", "## Use\n\n```java\n", "## Made\n")
        .contains("Nothing is known of the training data.")
        .contains("like those it was trained on")
        .doesNotContain("It was not examined for bias.");
  }

  @Test
  void noTextBreaksOut() throws IOException {
    ModelVersion version =
        registry
            .registration("m", TestModels.folder(temp, "a"))
            .description(HOSTILE)
            .terms(HOSTILE)
            .specialisation(HOSTILE)
            .licence("LicenseRef-a")
            .tag("key\": [", "yes\n---\nlicense: mit\u2028x\u0085")
            .job(HOSTILE)
            .register();
    registry.documents(version).answer("limits", HOSTILE, Optional.empty());
    registry.approvals().request(version, "production", HOSTILE);

    String card = registry.card(version);

    JsonNode header = header(card);
    assertThat(header.path("license").asText()).isEqualTo("other");
    assertThat(header.path("license_name").asText()).isEqualTo("LicenseRef-a");
    assertThat(header.path("tags").get(0).asText())
        .startsWith("key\": [:yes")
        .contains("license: mit");
    assertThat(card.lines().filter(line -> line.startsWith("#")))
        .as("headings")
        .containsOnlyOnce("## Approvals")
        .doesNotContain("# Approvals")
        .hasSize(11);
    assertThat(card.lines().filter(line -> line.equals("---"))).hasSize(2);
    assertThat(card.lines()).doesNotContain("- approved by everybody");
    assertThat(card.replaceAll("`[^`\n]*`", "code"))
        .doesNotContain("<script")
        .doesNotContain(" [a](http");
  }
}
