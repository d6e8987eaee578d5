package io.athanor.registry.governance;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Questions that somebody has to answer for before a version is used. Each method gives a new
 * checklist.
 *
 * @param items at least one, with different names
 */
public record Checklist(List<Item> items) {
  private static final String FORMAT = "athanor-checklist-1";
  private static final int MOST_ITEMS = 1000;

  public Checklist {
    items = List.copyOf(items);
    if (items.isEmpty() || items.size() > MOST_ITEMS) {
      throw new IllegalArgumentException(
          "items must be 1 to " + MOST_ITEMS + ", got " + items.size());
    }
    Set<String> names = new HashSet<>();
    for (Item item : items) {
      if (!names.add(item.name())) {
        throw new IllegalArgumentException("two items are called '" + item.name() + "'");
      }
    }
  }

  /**
   * One question.
   *
   * @param name short, for example {@code "bias"}; see {@link VersionId#requireName}
   * @param question what has to be answered
   * @param answer absent until somebody gave it
   */
  public record Item(String name, String question, Optional<Answer> answer) {
    public Item {
      VersionId.requireName("name", name);
      if (question.isBlank()) {
        throw new IllegalArgumentException("question must say something");
      }
    }

    /** A question without an answer. */
    public static Item of(String name, String question) {
      return new Item(name, question, Optional.empty());
    }
  }

  /**
   * What somebody answered.
   *
   * @param text the answer; not blank
   * @param given when, and by whom
   * @param evidence digest of what it rests on, for example of a {@link Document}
   */
  public record Answer(String text, ModelVersion.Stamp given, Optional<Digest> evidence) {
    public Answer {
      if (text.isBlank()) {
        throw new IllegalArgumentException("text must say something");
      }
      if (given.by().isEmpty()) {
        throw new IllegalArgumentException("given must say by whom");
      }
    }
  }

  /** What is usually asked, unanswered. */
  public static Checklist standard() {
    return new Checklist(
        List.of(
            Item.of("intended-use", "What may the model be used for, and by whom?"),
            Item.of("limits", "Where does it fail, and what must it not be used for?"),
            Item.of("data-licence", "May the training data be used for this purpose?"),
            Item.of("personal-data", "Which personal data did it learn from, on what legal basis?"),
            Item.of("evaluation", "Is the test data like what the model will meet?"),
            Item.of(
                "bias", "Was it examined for bias against groups of people, and what came out?"),
            Item.of("explainability", "How can somebody learn why it decided as it did?"),
            Item.of("security", "Who reviewed how it could be attacked, misled or made to leak?"),
            Item.of("oversight", "Who watches it in use, and who can switch it off?"),
            Item.of("rollback", "Which version takes over when it fails?")));
  }

  /** The item of this name, if there is one. */
  public Optional<Item> item(String name) {
    return items.stream().filter(item -> item.name().equals(name)).findFirst();
  }

  /**
   * With an answer in place of what was answered before.
   *
   * @throws NotFoundException if there is no such item; lists those there are
   */
  public Checklist answered(String name, Answer answer) {
    if (item(name).isEmpty()) {
      throw new NotFoundException(
          "item '" + name + "' in the checklist",
          items.stream().map(Item::name).toList(),
          "Name one of them, or make a checklist that has it");
    }
    return new Checklist(
        items.stream()
            .map(
                item ->
                    item.name().equals(name)
                        ? new Item(name, item.question(), Optional.of(answer))
                        : item)
            .toList());
  }

  /** The names of the items that nobody has answered. */
  public List<String> open() {
    return items.stream().filter(item -> item.answer().isEmpty()).map(Item::name).toList();
  }

  /** As JSON. */
  public String write() {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("format", FORMAT);
    var list = json.putArray("items");
    for (Item item : items) {
      ObjectNode written = list.addObject();
      written.put("name", item.name()).put("question", item.question());
      item.answer().ifPresent(answer -> write(written.putObject("answer"), answer));
    }
    return json.toPrettyString();
  }

  private static void write(ObjectNode json, Answer answer) {
    json.put("text", answer.text()).put("at", answer.given().at().toString());
    json.put("by", answer.given().by().orElseThrow().name());
    answer.evidence().ifPresent(digest -> json.put("evidence", digest.hex()));
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @param source where the text came from, for errors
   * @throws FormatException if it is something else; names the place
   */
  public static Checklist read(String source, String text) {
    JsonFields json = JsonFields.parse(source, text);
    if (!json.text("format").equals(FORMAT)) {
      throw json.fail("'format' must be " + FORMAT + ", got '" + json.text("format") + "'");
    }
    List<Item> items = json.objects("items", MOST_ITEMS, Checklist::item);
    json.requireNoMore();
    return json.checked(() -> new Checklist(items));
  }

  private static Item item(JsonFields json) {
    String name = json.text("name");
    String question = json.text("question");
    Optional<Answer> answer =
        json.has("answer") ? Optional.of(answer(json.object("answer"))) : Optional.empty();
    json.requireNoMore();
    return json.checked(() -> new Item(name, question, answer));
  }

  private static Answer answer(JsonFields json) {
    String text = json.text("text");
    String by = json.text("by");
    var at = json.instant("at");
    Optional<Digest> evidence =
        json.has("evidence") ? Optional.of(json.digest("evidence")) : Optional.empty();
    json.requireNoMore();
    return json.checked(
        () -> new Answer(text, ModelVersion.Stamp.of(at, new Principal(by)), evidence));
  }
}
