package io.athanor.samples.code;

import io.athanor.api.error.NotFoundException;
import io.athanor.data.source.RecordReader;
import io.athanor.data.source.SourceRecord;
import io.athanor.data.source.TextFiles;
import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A library whose sources jar is on the class path. */
public final class SourceJar {
  private static final String FILE = "org/apache/commons/lang3/StringUtils.java";

  private SourceJar() {}

  /**
   * Java files of commons-lang3.
   *
   * @param pattern of their paths, {@code **.java} for all
   * @throws NotFoundException if no jar on the class path has them
   */
  public static TextFiles commonsLang(String pattern) throws IOException {
    URL url = SourceJar.class.getClassLoader().getResource(FILE);
    if (url == null) {
      throw new NotFoundException(
          FILE + " on the class path",
          List.of(),
          "Add the artifact org.apache.commons:commons-lang3 with classifier sources");
    }
    JarURLConnection connection = (JarURLConnection) url.openConnection();
    return TextFiles.of(Path.of(URI.create(connection.getJarFileURL().toString())), pattern);
  }

  /** Their texts. */
  public static List<String> texts(TextFiles files) {
    List<String> texts = new ArrayList<>();
    try (RecordReader reader = files.open()) {
      for (SourceRecord next = reader.next(); next != null; next = reader.next()) {
        texts.add(String.valueOf(next.cells().get(TextFiles.TEXT)));
      }
    }
    return texts;
  }
}
