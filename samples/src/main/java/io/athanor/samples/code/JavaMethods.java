package io.athanor.samples.code;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.javaparser.JavaParser;
import com.github.javaparser.ParserConfiguration;
import com.github.javaparser.ast.CompilationUnit;
import com.github.javaparser.ast.body.MethodDeclaration;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Methods as prompts and completions: what a method promises, and its body. */
final class JavaMethods {
  private static final int LONGEST_BODY = 900;

  private JavaMethods() {}

  /**
   * Writes a JSON line for each documented method of some Java files.
   *
   * @param most methods to write, spread evenly over all there are
   */
  static void write(List<String> files, int most, Path lines) throws IOException {
    ObjectMapper json = new ObjectMapper();
    JavaParser parser =
        new JavaParser(
            new ParserConfiguration().setLanguageLevel(ParserConfiguration.LanguageLevel.JAVA_17));
    List<String> rows = new ArrayList<>();
    for (String file : files) {
      Optional<CompilationUnit> parsed = parser.parse(file).getResult();
      for (MethodDeclaration method :
          parsed.map(unit -> unit.findAll(MethodDeclaration.class)).orElse(List.of())) {
        Optional<String> sentence =
            method.getJavadoc().map(doc -> firstSentence(doc.getDescription().toText()));
        String body = method.getBody().map(Object::toString).orElse("");
        if (sentence.filter(text -> !text.isBlank()).isPresent()
            && body.length() > 3
            && body.length() <= LONGEST_BODY) {
          String prompt = "/** " + sentence.get() + " */\n" + method.getDeclarationAsString() + " ";
          rows.add(json.writeValueAsString(Map.of("prompt", prompt, "completion", body)));
        }
      }
    }
    Files.createDirectories(lines.toAbsolutePath().getParent());
    List<String> spread = new ArrayList<>();
    for (int i = 0; i < Math.min(most, rows.size()); i++) {
      spread.add(rows.get((int) ((long) i * rows.size() / Math.min(most, rows.size()))));
    }
    Files.write(lines, spread);
  }

  private static String firstSentence(String text) {
    String plain =
        text.replaceAll("<[^>]*>", "")
            .replaceAll("\\{@\\w+ ([^}]*)\\}", "$1")
            .replaceAll("\\s+", " ")
            .trim();
    int end = plain.indexOf(". ");
    return end < 0 ? plain : plain.substring(0, end + 1);
  }
}
