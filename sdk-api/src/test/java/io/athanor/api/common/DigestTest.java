package io.athanor.api.common;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DigestTest {
  /** From FIPS 180-2, appendix B.1. */
  private static final String ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @Test
  void textFileAndBytesGiveTheStandardsDigest(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("f"), "abc");

    assertThat(Digest.ofText("abc").hex()).isEqualTo(ABC);
    assertThat(Digest.ofFile(file)).isEqualTo(Digest.of(new byte[] {'a', 'b', 'c'}));
    assertThat(Digest.ofText("abc")).hasToString("sha256:" + ABC);
    assertThat(Digest.ofText("abc").brief()).isEqualTo("ba7816bf8f01");
  }

  @Test
  void onlySixtyFourLowerCaseDigitsAreADigest() {
    for (String bad : new String[] {"", ABC.substring(1), ABC.toUpperCase(), ABC + "0"}) {
      assertThatThrownBy(() -> new Digest(bad))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("hex must be 64 lower-case hexadecimal digits, got '" + bad + "'");
    }
  }

  @Test
  void aSecretPrintsStars() {
    Secret secret = Secret.of("hunter2");

    assertThat(secret).hasToString("********");
    assertThat("token " + secret).doesNotContain("hunter2");
    assertThat(secret.reveal()).isEqualTo("hunter2");
  }
}
