package io.athanor.registry.governance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.athanor.registry.governance.Candidate.Ancestor;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LicenceExpressionTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "apache-2.0; Apache-2.0",
        " MIT  or (BSD-2-Clause and isc) ; MIT OR BSD-2-Clause AND ISC",
        "(MIT OR ISC) AND Zlib; (MIT OR ISC) AND Zlib",
        "((MIT)); MIT",
        "MIT OR MIT; MIT",
        "(MIT OR ISC) OR Zlib; MIT OR ISC OR Zlib",
        "gpl-2.0-only with classpath-exception-2.0;" + " GPL-2.0-only WITH Classpath-exception-2.0",
        "GPL-3.0; GPL-3.0-only",
        "GPL-2.0+; GPL-2.0-or-later",
        "EPL-1.0+; EPL-1.0+",
        "LicenseRef-llama3 AND DocumentRef-a:LicenseRef-b;"
            + " LicenseRef-llama3 AND DocumentRef-a:LicenseRef-b"
      })
  void understandsWhatSpdxWrites(String expression, String normal) {
    LicenceExpression read = LicenceExpression.of(expression);

    assertThat(read).hasToString(normal);
    assertThat(LicenceExpression.of(normal)).isEqualTo(read).hasSameHashCodeAs(read);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "Apache2; the most alike is Apache-2.0",
        "MTI; the most alike is MIT",
        "MIT WITH Classpath-exception; the most alike is Classpath-exception-2.0",
        "MIT AND; a licence was expected at the end",
        "OR MIT; a licence was expected before",
        "(MIT; is missing",
        "MIT); was not expected",
        "MIT ISC; was not expected",
        "MIT/ISC; cannot be understood",
        "''; a licence was expected at the end",
        "LicenseRef-; SPDX lists no licence"
      })
  void saysWhatIsWrong(String expression, String problem) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LicenceExpression.of(expression))
        .withMessageContaining("expression must be an SPDX licence expression, got '")
        .withMessageContaining(problem);
    assertThat(LicenceExpression.find(expression)).isEmpty();
  }

  @Test
  void refusesWhatWouldTakeTooMuchToRead() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LicenceExpression.of("(".repeat(400) + "MIT" + ")".repeat(400)))
        .withMessageContaining("50 deep");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LicenceExpression.of("MIT OR ".repeat(1000) + "MIT"))
        .withMessageContaining("at most 1000 characters");
  }

  @Test
  void hasTheWholeList() {
    assertThat(LicenceList.LICENCES.size()).isEqualTo(699);
    assertThat(LicenceList.EXCEPTIONS.size()).isEqualTo(79);
  }

  @Test
  void isAcceptableIfSomeAlternativeIs() {
    Set<String> accepted = Set.of("MIT", "Zlib");

    assertThat(acceptable("MIT", accepted)).isTrue();
    assertThat(acceptable("GPL-3.0-only OR MIT", accepted)).isTrue();
    assertThat(acceptable("MIT AND Zlib", accepted)).isTrue();
    assertThat(acceptable("MIT AND GPL-3.0-only", accepted)).isFalse();
    assertThat(LicenceExpression.of("MIT AND (ISC OR Zlib)").ids())
        .containsExactly("MIT", "ISC", "Zlib");
  }

  private static boolean acceptable(String expression, Set<String> accepted) {
    return LicenceExpression.of(expression).acceptable((id, whole) -> accepted.contains(id));
  }

  @ParameterizedTest
  @CsvSource({
    "CC-BY-NC-4.0, MIT, forbids commercial use",
    "CC-BY-NC-SA-4.0, CC-BY-NC-4.0, forbids commercial use and asks for the same terms",
    "CC-BY-SA-4.0, Apache-2.0, asks for the same terms",
    "CC-BY-ND-4.0, CC-BY-ND-4.0, forbids to pass on",
    "GPL-3.0-only, Apache-2.0, asks for the same terms",
    "GPL-2.0-only, GPL-3.0-only, asks for the same terms",
    "AGPL-3.0-only, GPL-3.0-only, asks for the same terms",
    "LicenseRef-llama3, MIT, has terms that only people can read",
    "CC-BY-SA-4.0, MIT OR CC-BY-SA-4.0, asks for the same terms",
    "MIT AND CC-BY-NC-4.0, MIT, forbids commercial use"
  })
  void termsGoOverToWhatWasMade(String inherited, String own, String duty) {
    assertThat(problems(own, inherited))
        .singleElement()
        .asString()
        .startsWith("base:1, which it was made from, is under " + inherited + ", which " + duty)
        .endsWith("; it is under " + own);
  }

  @ParameterizedTest
  @CsvSource({
    "MIT, GPL-3.0-only",
    "Apache-2.0, LicenseRef-ours",
    "CC-BY-NC-4.0, CC-BY-NC-SA-4.0",
    "CC-BY-SA-3.0, CC-BY-SA-4.0",
    "GPL-2.0-or-later, GPL-3.0-only",
    "LGPL-2.1-or-later, GPL-3.0-or-later",
    "GPL-3.0-or-later, AGPL-3.0-only",
    "LicenseRef-llama3, LicenseRef-llama3",
    "LicenseRef-llama3, MIT AND LicenseRef-llama3",
    "MIT OR CC-BY-NC-4.0, Apache-2.0"
  })
  void termsThatAreKeptAreNoProblem(String inherited, String own) {
    assertThat(problems(own, inherited)).isEmpty();
  }

  @Test
  void whatWasMadeFromALicensedModelNeedsALicence() {
    List<Ancestor> ancestors =
        List.of(
            new Ancestor("base:2", Optional.empty()), new Ancestor("base:1", Optional.of("MIT")));

    assertThat(LicenceInheritance.problems(Optional.empty(), ancestors))
        .containsExactly("it has no licence, and base:1, which it was made from, is under MIT");
    assertThat(LicenceInheritance.problems(Optional.of("MIT"), ancestors)).isEmpty();
  }

  private static List<String> problems(String own, String inherited) {
    return LicenceInheritance.problems(
        Optional.of(own), List.of(new Ancestor("base:1", Optional.of(inherited))));
  }
}
