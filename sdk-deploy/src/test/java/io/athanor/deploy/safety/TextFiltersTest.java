package io.athanor.deploy.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.deploy.safety.PersonalData.Kind;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextFiltersTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "write to jane.doe+x@mail.example.org, please | write to [email], please",
        "pay to DE89 3704 0044 0532 0130 00 today | pay to [iban] today",
        "pay to GB82WEST12345698765432. | pay to [iban].",
        "card 4111 1111 1111 1111 expires | card [card] expires",
        "card 5500-0000-0000-0004 | card [card]",
        "card 4111 1111 1111 1111 123 with its code | card [card] 123 with its code",
        "card 4111 1111 1111 1111 12/27 | card [card] 12/27",
        "card 3782 822463 10005 1127 | card [card] 1127",
        "2 4111 1111 1111 1111 | 2 [card]",
        "pay to AT61 1904 3002 3457 3201 NOW | pay to [iban] NOW",
        "from 192.168.178.21 at noon | from [ip address] at noon",
        "call +49 30 901820 or (555) 123-4567 | call [phone] or [phone]",
        "call 030 901820-17 now | call [phone] now",
      })
  void personalDataAreReplaced(String text, String expected) {
    assertThat(PersonalData.all().redact(text)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "the year 2026, page 1234 and 3.14159",
        "version 1.2.3 of build 300.400.1.2",
        "@nobody and user@localhost",
        "GB00WEST12345698765432 has wrong check digits",
        "order 4111-1111-1111-1112 has a wrong check digit",
        "from 9 to 5 on 24/12/2026",
      })
  void whatOnlyLooksAlikeIsLeftAlone(String text) {
    assertThat(PersonalData.all().redact(text)).isEqualTo(text);
  }

  @Test
  void onlyKindsThatWereAskedForAreReplaced() {
    assertThat(PersonalData.of(Kind.EMAIL).redact("a@b.example at 10.0.0.1"))
        .isEqualTo("[email] at 10.0.0.1");
  }

  @Test
  void noneOfManyCardsIsLeftWhetherTheyComeAtOnceOrInPieces() {
    String cards = "4111 1111 1111 1111 ".repeat(20) + "5500-0000-0000-0004-".repeat(40);
    String hidden = "[card] ".repeat(20) + "[card]-".repeat(40);
    PersonalData filter = PersonalData.of(Kind.CARD);

    assertThat(filter.inspect(cards)).hasSize(60);
    assertThat(filter.redact(cards)).isEqualTo(hidden);
    for (int length = 1; length < 40; length++) {
      assertThat(inPieces(filter, cards, length)).as("pieces of " + length).isEqualTo(hidden);
    }
  }

  @Test
  void piecesAreFilteredAsTheWholeIs() {
    SplittableRandom random = new SplittableRandom(5);
    List<String> words =
        List.of(
            "4111 1111 1111 1111",
            "5500000000000004",
            "3782-822463-10005",
            "4111-1111",
            "1111",
            "1111 1111",
            "12/27",
            "737",
            "0",
            "030",
            "+49",
            "(555) 123-4567",
            "10.0.0.1",
            "a.b",
            "jane@mail.example.org",
            "@",
            "DE89 3704 0044 0532 0130 00",
            "DE89",
            "3704",
            "word");
    List<String> between = List.of(" ", " ", " ", "-", ", ", "\n", ".", "/", "");
    int hidden = 0;
    for (int trial = 0; trial < 300; trial++) {
      StringBuilder text = new StringBuilder();
      while (text.length() < 600) {
        text.append(words.get(random.nextInt(words.size())));
        text.append(between.get(random.nextInt(between.size())));
      }
      String whole = PersonalData.all().redact(text.toString());
      String pieces = inPieces(PersonalData.all(), text.toString(), random.nextInt(1, 50));
      assertThat(pieces).as(text.toString()).isEqualTo(whole);
      hidden += whole.split("\\[", -1).length - 1;
    }
    assertThat(hidden).isGreaterThan(2_000);
  }

  private static String inPieces(TextFilter filter, String text, int length) {
    FilterRun run = new FilterRun(List.of(filter));
    StringBuilder out = new StringBuilder();
    for (int at = 0; at < text.length(); at += length) {
      out.append(run.add(text.substring(at, Math.min(text.length(), at + length))));
    }
    return out.append(run.finish()).toString();
  }

  @Test
  void overlappingPassagesAreReplacedOnce() {
    RuleFilter filter =
        RuleFilter.builder().replace("long", "abcdef", "[1]").replace("late", "def", "[2]").build();
    FilterRun run = new FilterRun(List.of(filter));
    assertThat(run.add("abcdefg def") + run.finish()).isEqualTo("[1]g [2]");
  }

  @Test
  void hostileTextCostsLinearTimeOnly() {
    RuleFilter filter = RuleFilter.builder().refuse("evil", "(a+)+b").build();
    // Backtracking would try 2^100,000 ways.
    assertThat(filter.inspect("a".repeat(100_000))).isEmpty();
  }

  @Test
  void wrongSettingsAreRefused() {
    assertThatThrownBy(() -> RuleFilter.builder().refuse("x", "(?=a)"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expression of the rule 'x' must be in RE2 syntax");
    assertThatThrownBy(() -> RuleFilter.builder().build())
        .hasMessage("rules must be at least one; call refuse or replace");
    assertThatThrownBy(() -> RuleFilter.builder().reach(0))
        .hasMessage("reach must be at least 1, got 0");
    assertThatThrownBy(() -> new FilterMatch(2, 2, "x", Optional.empty()))
        .hasMessage("a match must have a character, got start 2 and end 2");
  }
}
