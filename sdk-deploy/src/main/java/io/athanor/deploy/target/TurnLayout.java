package io.athanor.deploy.target;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.model.text.ChatMessage;
import io.athanor.model.text.ChatTemplate;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A chat template that puts fixed texts around each turn, as those of ChatML, Llama 2 and 3, Gemma,
 * Mistral, Qwen, Zephyr and SmolLM do. The texts are found by rendering conversations of words that
 * no template knows, and are then held against the template on further conversations, so that a
 * template that does anything else is noticed.
 *
 * @param opening in front of a conversation that has no system message; may hold a default one
 * @param system around a system message, which comes first; null where the template takes none
 * @param firstUser in front of the user's turn that follows a system message
 * @param user around a turn of the user
 * @param assistant around a turn of the model
 * @param prompt where the model goes on
 */
record TurnLayout(
    String opening,
    @Nullable Around system,
    String firstUser,
    Around user,
    Around assistant,
    String prompt) {
  private static final String REMEDY =
      "Put a fixed date in the template where it asks for today's; else train the model with one"
          + " that puts fixed texts around turns, such as ChatTemplate.chatMl()";
  private static final List<Instant> DAYS =
      List.of(Instant.parse("2001-02-03T04:05:06Z"), Instant.parse("2031-07-29T21:43:54Z"));
  private static final String[] WORDS = {"Quellin", "Voskara", "Themble", "Zirnoc", "Plaumer"};

  /** The texts around a turn. */
  record Around(String before, String after) {}

  /** One rendering, in which the turns' contents are found again. */
  private record Rendered(String text, List<ChatMessage> turns) {
    String before(int turn) {
      int from = turn == 0 ? 0 : place(turn - 1) + turns.get(turn - 1).content().length();
      int to = turn == turns.size() ? text.length() : place(turn);
      if (from > to) {
        throw otherwise("it writes turns in another order");
      }
      return text.substring(from, to);
    }

    private int place(int turn) {
      String content = turns.get(turn).content();
      int at = text.indexOf(content);
      if (at < 0 || text.indexOf(content, at + 1) >= 0) {
        throw otherwise("it does not write each turn once");
      }
      return at;
    }
  }

  /**
   * The layout of a template.
   *
   * @param tokens the special tokens it may name
   * @throws UnsupportedException if it does not put fixed texts around turns; says what it does
   */
  static TurnLayout of(ChatTemplate template, Map<String, String> tokens) {
    Rendering rendering = new Rendering(template.clock(at(DAYS.get(0))), tokens);
    Rendered one = rendering.of(false, "user");
    Rendered two = rendering.of(false, "user", "assistant");
    Rendered three = rendering.of(false, "user", "assistant", "user");
    String afterUser = one.before(1);
    String afterAssistant = two.before(2);
    String beforeAssistant = rest(two.before(1), afterUser);
    String beforeUser = rest(three.before(2), afterAssistant);
    if (!one.before(0).endsWith(beforeUser)) {
      throw otherwise("it begins the first turn of the user in a way of its own");
    }
    String opening = one.before(0).substring(0, one.before(0).length() - beforeUser.length());
    String prompt = rest(rendering.of(true, "user").before(1), afterUser);
    TurnLayout plain =
        new TurnLayout(
            opening,
            null,
            beforeUser,
            new Around(beforeUser, afterUser),
            new Around(beforeAssistant, afterAssistant),
            prompt);
    plain.requireAgreement(rendering, List.of());
    TurnLayout found = plain.withSystem(rendering);
    found.requireAgreement(
        new Rendering(template.clock(at(DAYS.get(1))), tokens),
        found.system() == null ? List.of() : List.of("system"));
    return found;
  }

  private static Clock at(Instant day) {
    return Clock.fixed(day, ZoneOffset.UTC);
  }

  private static String rest(String text, String start) {
    if (!text.startsWith(start)) {
      throw otherwise("it ends a turn differently when others follow");
    }
    return text.substring(start.length());
  }

  private static UnsupportedException otherwise(String what) {
    return new UnsupportedException(
        "the chat template cannot be written for Ollama: " + what, REMEDY);
  }

  /** Adds system messages, if the template takes them first and in one place. */
  private TurnLayout withSystem(Rendering rendering) {
    try {
      Rendered both = rendering.of(false, "system", "user");
      String between = both.before(1);
      boolean own = between.endsWith(user.before());
      String after = own ? between.substring(0, between.length() - user.before().length()) : "";
      TurnLayout found =
          new TurnLayout(
              opening,
              new Around(both.before(0), after),
              own ? user.before() : between,
              user,
              assistant,
              prompt);
      found.requireAgreement(rendering, List.of("system"));
      return found;
    } catch (UnsupportedException | FormatException e) {
      return this;
    }
  }

  private void requireAgreement(Rendering rendering, List<String> first) {
    List<String> roles = new ArrayList<>(first);
    for (int turn = 0; turn < 5; turn++) {
      roles.add(turn % 2 == 0 ? "user" : "assistant");
      if (turn % 2 == 0) {
        for (List<ChatMessage> turns : rendering.conversations(roles)) {
          String right = rendering.text(turns, true);
          if (!right.equals(text(turns))) {
            throw otherwise(
                "for "
                    + turns
                    + " it gives "
                    + right
                    + ", which fixed texts around turns do not; texts that change with the date,"
                    + " and turns that change when others follow, are not known there");
          }
        }
      }
    }
  }

  /** A conversation up to where the model goes on. */
  String text(List<ChatMessage> turns) {
    boolean led = turns.get(0).role().equals("system");
    StringBuilder text = new StringBuilder(led ? "" : opening);
    for (int i = 0; i < turns.size(); i++) {
      ChatMessage turn = turns.get(i);
      Around around =
          turn.role().equals("user") ? user : turn.role().equals("system") ? system : assistant;
      if (around == null) {
        throw otherwise("it takes no system message");
      }
      text.append(led && i == 1 && turn.role().equals("user") ? firstUser : around.before())
          .append(turn.content())
          .append(around.after());
    }
    return text.append(prompt).toString();
  }

  /** The same layout without a text that whoever reads the result puts in front of it. */
  TurnLayout without(String start) {
    Around led = system;
    boolean bare = opening.isEmpty() && user.before().startsWith(start);
    if (start.isEmpty() || bare) {
      return this;
    }
    return new TurnLayout(
        cut(opening, start),
        led == null ? null : new Around(cut(led.before(), start), led.after()),
        firstUser,
        user,
        assistant,
        prompt);
  }

  private static String cut(String text, String start) {
    return text.startsWith(start) ? text.substring(start.length()) : text;
  }

  /** A template with its special tokens. */
  private record Rendering(ChatTemplate template, Map<String, String> tokens) {
    Rendered of(boolean prompted, String... roles) {
      List<ChatMessage> turns = turns(List.of(roles), "");
      return new Rendered(text(turns, prompted), turns);
    }

    String text(List<ChatMessage> turns, boolean prompted) {
      try {
        return template.render(turns, prompted, tokens);
      } catch (FormatException e) {
        throw otherwise(e.getMessage());
      }
    }

    List<List<ChatMessage>> conversations(List<String> roles) {
      return List.of(turns(roles, ""), turns(roles, " \"{{ x }}\" <b>\n\n\u00e9 end"));
    }

    private static List<ChatMessage> turns(List<String> roles, String more) {
      List<ChatMessage> turns = new ArrayList<>();
      for (String role : roles) {
        turns.add(new ChatMessage(role, WORDS[turns.size() % WORDS.length] + turns.size() + more));
      }
      return turns;
    }
  }
}
