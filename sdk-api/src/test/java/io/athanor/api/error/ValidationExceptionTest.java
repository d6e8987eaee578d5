package io.athanor.api.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ValidationExceptionTest {
  private static ValidationException problems(int count) {
    List<String> problems = IntStream.rangeClosed(1, count).mapToObj(i -> "p" + i).toList();
    return new ValidationException("plan", problems);
  }

  @Test
  void saysEveryProblem() {
    assertThat(problems(1)).hasMessage("Invalid plan: p1");
    assertThat(problems(12)).hasMessageEndingWith("; p11; p12");
  }

  @Test
  void knowsEveryProblemWhereTheyAreTooManyToSay() {
    assertThat(problems(30))
        .hasMessageStartingWith("Invalid plan: p1; p2; ")
        .hasMessageEndingWith("; p12; and 18 more");
    assertThat(problems(30).problems()).hasSize(30).contains("p30");
  }
}
