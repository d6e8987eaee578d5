package io.athanor.server.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.FormatException;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.tck.fixture.TestClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ApiKeysTest {
  private static final Principal ANNA = new Principal("anna");
  private static final Set<Permission> READ = Set.of(Permission.READ);

  @TempDir Path folder;

  @Test
  void keysHave256BitsAndNoTwoAreTheSame() {
    ApiKeys keys = ApiKeys.inMemory();
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      String key = keys.issue(ANNA, READ).secret().reveal();
      assertThat(key).matches("ath_[0-9a-f]{8}[A-Za-z0-9_-]{43}");
      seen.add(key);
    }
    assertThat(seen).hasSize(100);
  }

  @Test
  void fileHoldsHashesAndNoKeyAndIsReadAgain() throws Exception {
    Path file = folder.resolve("keys.json");
    ApiKeys keys = ApiKeys.in(file, TestClock.standing());
    ApiKeys.Issued kept = keys.issue(ANNA, Set.of(Permission.READ, Permission.UPDATE));
    ApiKeys.Issued revoked = keys.issue(ANNA, READ, Duration.ofDays(1));
    keys.revoke(revoked.entry().prefix());
    String secret = kept.secret().reveal();
    assertThat(Files.readString(file))
        .contains("\"sha256\"", "anna", "\"update\"")
        .doesNotContain(secret, secret.substring(12));
    ApiKeys again = ApiKeys.in(file, TestClock.standing());
    assertThat(again.entries()).containsExactly(kept.entry());
    assertThat(again.find(secret)).contains(kept.entry());
    assertThat(again.find(revoked.secret().reveal())).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "ath_", "ath_00000000", "nothing", "ath_\u0000\u0000"})
  void whatIsNoKeyIsNotFound(String key) {
    assertThat(ApiKeys.inMemory().find(key)).isEmpty();
  }

  @Test
  void rightBeginningWithAnotherEndIsNotFound() {
    ApiKeys keys = ApiKeys.inMemory();
    String key = keys.issue(ANNA, READ).secret().reveal();
    char last = key.charAt(key.length() - 1);
    assertThat(keys.find(key.substring(0, key.length() - 1) + (last == 'A' ? 'B' : 'A'))).isEmpty();
    assertThat(keys.find(key + "A")).isEmpty();
    assertThat(keys.find(key)).isPresent();
  }

  @Test
  void damagedFileIsOurException() throws Exception {
    Path file = folder.resolve("keys.json");
    for (String text :
        Set.of("", "{", "[]", "{\"format\":2,\"keys\":[]}", "{\"format\":1,\"keys\":[{}]}")) {
      Files.writeString(file, text);
      assertThatThrownBy(() -> ApiKeys.in(file))
          .as(text)
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("keys.json");
    }
  }
}
