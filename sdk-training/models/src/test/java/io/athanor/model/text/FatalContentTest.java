package io.athanor.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.error.FormatException;
import java.time.Duration;
import java.util.Base64;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each of these files, given to the native library, ended the process. */
class FatalContentTest {
  private static String changed(String entry, String json) throws Exception {
    ObjectNode root = (ObjectNode) Fixtures.json("tokenizers/gpt2.json");
    root.set(entry, new ObjectMapper().readTree(json));
    return root.toString();
  }

  private static String precompiled(byte[] map) throws Exception {
    String text = Base64.getEncoder().encodeToString(map);
    return changed(
        "normalizer",
        "{'type':'Precompiled','precompiled_charsmap':'#'}".replace('\'', '"').replace("#", text));
  }

  /**
   * Made by SentencePiece of two rules: a wide A becomes A, the ligature of f and i two letters.
   */
  private static byte[] map() {
    return Base64.getDecoder().decode(Fixtures.text("charsmap.base64").trim());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "normalizer | {'type':'Precompiled','precompiled_charsmap':'AAAA'} | at least 4 bytes",
        "normalizer | {'type':'Precompiled','precompiled_charsmap':'////fwAA'} | a trie of",
        "normalizer | {'type':'Precompiled','precompiled_charsmap':'BAAAAAAAAAA='} | leads out",
        "normalizer | {'type':'Precompiled','precompiled_charsmap':'%'} | precompiled_charsmap",
        "normalizer | {'type':'Sequence','normalizers':[{'type':'Replace','pattern':{'String':''},"
            + "'content':'x'}]} | must not replace empty matches",
        "normalizer | {'type':'Replace','pattern':{'Regex':'(?=a)'},'content':'x'} | empty matches",
        "pre_tokenizer | {'type':'FixedLength','length':0} | at least 1, got 0",
        "decoder | {'type':'Strip','content':'a','start':0,'stop':9} | expected Strip with stop 0",
        "decoder | {'content':'a','start':0,'stop':9} | expected Strip with stop 0",
        "post_processor | {'type':'TemplateProcessing','single':[{'Sequence':{'id':'B','type_id':0}}],"
            + "'pair':[],'special_tokens':{}} | no second one",
        "post_processor | {'type':'BertProcessing','sep':['a',4000000000],'cls':['b',1]} | got 4000",
        "model | {'type':'BPE','vocab':{'a':0,'b':1,'ab':2},'merges':['a b'],"
            + "'continuing_subword_prefix':'##'} | must begin with the prefix '##'",
      })
  void isRefusedWithItsPlace(String entry, String json, String message) throws Exception {
    String broken = changed(entry, json.replace('\'', '"'));
    assertThatThrownBy(() -> SubwordTokenizer.read("broken.json", broken))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("broken.json: ")
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"(?:(.+)+)+\\\\1!", "(\\\\w*)*(\\\\W*)*\\\\1\\\\2中中", "(.*){1,32000}[bc]"})
  void aPatternThatSearchesForEverIsRefused(String regex) throws Exception {
    String replace =
        changed(
            "normalizer",
            "{'type':'Replace','pattern':{'Regex':'#'},'content':'x'}"
                .replace('\'', '"')
                .replace("#", regex));

    assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () ->
            assertThatThrownBy(() -> SubwordTokenizer.read("broken.json", replace))
                .isInstanceOf(FormatException.class)
                .hasMessageStartingWith("broken.json: normalizer: Replace must not search as long")
                .hasMessageContaining(regex));
  }

  @Test
  void aSoundMapOfCharactersIsUsed() throws Exception {
    SubwordTokenizer tokenizer = SubwordTokenizer.read("x", precompiled(map()));
    assertThat(tokenizer.encode("Ａ ﬁt", 16)).isEqualTo(tokenizer.encode("A fit", 16));
  }

  @Test
  void damagedMapsAreRefusedOrHarmless() throws Exception {
    Random random = new Random(11);
    int refused = 0;
    for (int i = 0; i < 2000; i++) {
      byte[] map = map();
      for (int n = random.nextInt(4); n >= 0; n--) {
        map[random.nextInt(map.length)] = (byte) random.nextInt();
      }
      try {
        PrecompiledCharacters.check(Base64.getEncoder().encodeToString(map));
      } catch (IllegalArgumentException e) {
        refused++;
        continue;
      }
      SubwordTokenizer tokenizer = SubwordTokenizer.read("x", precompiled(map));
      assertThat(tokenizer.encode("Ａ ﬁt \u0001é中 abc", 16)).isNotEmpty();
    }
    assertThat(refused).isBetween(100, 1900);
  }
}
