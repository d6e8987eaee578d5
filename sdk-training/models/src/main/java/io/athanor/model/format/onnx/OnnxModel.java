package io.athanor.model.format.onnx;

import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.model.format.PretrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The weights and the configuration of a BERT encoder (BERT, MiniLM, BGE, E5) out of the ONNX file
 * that PyTorch exported, in single or half precision, without an ONNX runtime. Names and shapes are
 * Hugging Face's. The graph itself is taken to be BERT's and is not run.
 *
 * <p>Nothing in the file is trusted: every length is compared with the bytes that are there. All
 * but the transposed matrices share pages with the file, which must therefore not be cut short in
 * place, only replaced. Thread-safe.
 *
 * @see <a href="https://github.com/onnx/onnx/blob/main/onnx/onnx.proto">The format</a>
 */
public final class OnnxModel {
  private OnnxModel() {}

  /**
   * Reads a model, without a tokenizer.
   *
   * @throws FormatException if the content is not what the format promises
   * @throws UnsupportedException if it is no BERT encoder, quantised, 2 GiB or more, or keeps its
   *     weights in other files
   * @throws NotFoundException if there is no such file
   * @throws StorageException if it cannot be read
   */
  public static PretrainedModel read(Path onnx) {
    return read(onnx, Optional.empty(), Map.of());
  }

  /**
   * Reads a model with its {@code tokenizer.json}, of which the special tokens are BERT's where it
   * has them.
   *
   * @throws FormatException if the content is not what the formats promise
   * @throws UnsupportedException if it is no BERT encoder, quantised, 2 GiB or more, or keeps its
   *     weights in other files
   * @throws NotFoundException if one of the files is not there
   * @throws StorageException if one cannot be read
   */
  public static PretrainedModel read(Path onnx, Path tokenizerJson) {
    try {
      String text = Files.readString(tokenizerJson);
      Set<String> tokens = new HashSet<>();
      JsonFields.tree(tokenizerJson.toString(), text)
          .path("added_tokens")
          .forEach(token -> tokens.add(token.path("content").asText()));
      Map<String, String> roles =
          Map.of(
              "cls_token", "[CLS]",
              "sep_token", "[SEP]",
              "pad_token", "[PAD]",
              "unk_token", "[UNK]",
              "mask_token", "[MASK]");
      Map<String, String> present = new TreeMap<>(roles);
      present.values().retainAll(tokens);
      return read(onnx, Optional.of(text), present);
    } catch (NoSuchFileException e) {
      throw new NotFoundException("file " + tokenizerJson, List.of(), "Check the path");
    } catch (IOException e) {
      throw new StorageException(tokenizerJson.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static PretrainedModel read(
      Path onnx, Optional<String> tokenizer, Map<String, String> specialTokens) {
    BertExport export = new BertExport(OnnxGraph.read(onnx));
    Map<String, Tensor> tensors = export.tensors();
    return new PretrainedModel(
        onnx.toString(),
        export.config(tensors),
        tensors,
        tokenizer,
        Optional.empty(),
        specialTokens);
  }
}
