package io.athanor.model.format.onnx;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Writes ONNX files, tensor by tensor. A model of 2 GiB or more, for which protobuf has no room,
 * keeps its large tensors in a second file beside the first.
 */
final class OnnxWriter {
  private static final int IR_VERSION = 8;
  private static final long SMALL = 1024;
  private static final long PAGE = 4096;

  /** The most bytes that announce a part. */
  private static final long ANNOUNCED = 11;

  private final Path file;
  private final String identity;
  private final long limit;

  /** A tensor's description, and its content if that follows. */
  private record Part(ProtobufOutput head, StoredTensor tensor, long length) {
    long bytes() {
      return head.toBytes().length + length;
    }
  }

  /**
   * @param identity tells models apart; part of the second file's name
   * @param limit the most bytes of one file
   */
  OnnxWriter(Path file, String identity, long limit) {
    this.file = file;
    this.identity = identity;
    this.limit = limit;
  }

  /** Gives the files written. */
  List<Path> write(String name, OnnxProgram program, Map<String, String> properties) {
    ProtobufOutput model = new ProtobufOutput().number(1, IR_VERSION).text(2, "Athanor");
    String version = OnnxWriter.class.getPackage().getImplementationVersion();
    if (version != null) {
      model.text(3, version);
    }
    model.message(8, new ProtobufOutput().text(1, "").number(2, OnnxProgram.OPSET));
    properties.forEach(
        (key, value) -> model.message(14, new ProtobufOutput().text(1, key).text(2, value)));
    ProtobufOutput graph = program.graph(name);
    List<Part> parts = program.tensors().stream().map(OnnxWriter::embedded).toList();
    long length = parts.stream().mapToLong(part -> part.bytes() + ANNOUNCED).sum();
    if (model.toBytes().length + graph.toBytes().length + length <= limit) {
      writeModel(model, graph, parts);
      return List.of(file);
    }
    return List.of(file, writeTwoFiles(model, graph, program));
  }

  private static Part embedded(StoredTensor tensor) {
    ProtobufOutput head = described(tensor).announce(9, tensor.bytes());
    return new Part(head, tensor, tensor.bytes());
  }

  private static ProtobufOutput described(StoredTensor tensor) {
    ProtobufOutput head = new ProtobufOutput();
    tensor.shape().forEach(size -> head.number(1, size));
    return head.number(2, tensor.type().id()).text(8, tensor.name());
  }

  private void writeModel(ProtobufOutput model, ProtobufOutput graph, List<Part> parts) {
    byte[] nodes = graph.toBytes();
    List<byte[]> heads = new ArrayList<>();
    long length = nodes.length;
    for (Part part : parts) {
      ProtobufOutput announced = new ProtobufOutput().announce(5, part.bytes());
      heads.add(announced.toBytes());
      length += announced.toBytes().length + part.bytes();
    }
    byte[] start = model.announce(7, length).toBytes();
    AtomicFile.write(
        file,
        channel -> {
          put(channel, start);
          put(channel, nodes);
          for (int i = 0; i < parts.size(); i++) {
            Part part = parts.get(i);
            put(channel, heads.get(i));
            put(channel, part.head().toBytes());
            if (part.length() > 0) {
              put(channel, part.tensor().content().get());
            }
          }
        });
  }

  /** The second file has the identity in its name, so that it never belongs to another model. */
  private Path writeTwoFiles(ProtobufOutput model, ProtobufOutput graph, OnnxProgram program) {
    String name = file.getFileName() + "." + identity + ".data";
    Path data = file.toAbsolutePath().resolveSibling(name);
    boolean existed = Files.exists(data);
    List<Part> parts = new ArrayList<>();
    List<StoredTensor> outside = new ArrayList<>();
    long offset = 0;
    for (StoredTensor tensor : program.tensors()) {
      if (tensor.bytes() <= SMALL) {
        parts.add(embedded(tensor));
        continue;
      }
      outside.add(tensor);
      ProtobufOutput head =
          described(tensor)
              .message(13, entry("location", name))
              .message(13, entry("offset", String.valueOf(offset)))
              .message(13, entry("length", String.valueOf(tensor.bytes())))
              .number(14, 1);
      parts.add(new Part(head, tensor, 0));
      offset += (tensor.bytes() + PAGE - 1) / PAGE * PAGE;
    }
    AtomicFile.write(
        data,
        channel -> {
          for (StoredTensor tensor : outside) {
            put(channel, tensor.content().get());
            long over = channel.position() % PAGE;
            put(channel, new byte[over == 0 ? 0 : (int) (PAGE - over)]);
          }
        });
    boolean written = false;
    try {
      writeModel(model, graph, parts);
      written = true;
    } finally {
      if (!written && !existed) {
        delete(data);
      }
    }
    return data;
  }

  private static ProtobufOutput entry(String key, String value) {
    return new ProtobufOutput().text(1, key).text(2, value);
  }

  private static void delete(Path data) {
    try {
      Files.deleteIfExists(data);
    } catch (IOException e) {
      throw new StorageException(data.toString(), "cannot be deleted; delete it yourself", e);
    }
  }

  private static void put(FileChannel channel, byte[] bytes) throws IOException {
    put(channel, ByteBuffer.wrap(bytes));
  }

  private static void put(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
