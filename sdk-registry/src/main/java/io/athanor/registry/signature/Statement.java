package io.athanor.registry.signature;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.registry.Manifest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * What a signature says: these files have these digests.
 *
 * @param digests of files, by path
 * @param ignored files and folders that may be there without being signed
 * @see <a href="https://github.com/in-toto/attestation/tree/main/spec/v1">in-toto statement</a>
 */
record Statement(Map<String, Digest> digests, List<String> ignored) {
  private static final String TYPE = "https://in-toto.io/Statement/v1";
  private static final String PREDICATE = "https://model_signing/signature/v1.0";
  private static final int MOST_FILES = 1_000_000;

  /**
   * Writes the statement about a version's files; all of them are signed.
   *
   * @param name of the model
   */
  static byte[] write(String name, Manifest manifest) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("_type", TYPE);
    json.putArray("subject")
        .addObject()
        .put("name", name)
        .putObject("digest")
        .put("sha256", root(manifest.files().stream().map(Manifest.Entry::digest).toList()).hex());
    json.put("predicateType", PREDICATE);
    ObjectNode predicate = json.putObject("predicate");
    predicate
        .putObject("serialization")
        .put("method", "files")
        .put("hash_type", "sha256")
        .put("allow_symlinks", false)
        .putArray("ignore_paths");
    ArrayNode resources = predicate.putArray("resources");
    for (Manifest.Entry file : manifest.files()) {
      resources
          .addObject()
          .put("name", file.path())
          .put("algorithm", "sha256")
          .put("digest", file.digest().hex());
    }
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** The digest of all digests, one after another. */
  private static Digest root(List<Digest> digests) {
    MessageDigest root = Digest.sha256();
    digests.forEach(digest -> root.update(HexFormat.of().parseHex(digest.hex())));
    return Digest.finish(root);
  }

  /**
   * Reads a statement.
   *
   * @throws io.athanor.api.error.FormatException if it is none about files of a model
   */
  static Statement read(String source, byte[] text) {
    JsonFields json = JsonFields.parse(source, new String(text, StandardCharsets.UTF_8));
    require(json, "_type", TYPE);
    require(json, "predicateType", PREDICATE);
    List<Digest> subject = json.objects("subject", 1, one -> one.object("digest").digest("sha256"));
    JsonFields predicate = json.object("predicate");
    JsonFields serialization = predicate.object("serialization");
    require(serialization, "method", "files");
    require(serialization, "hash_type", "sha256");
    List<String> ignored =
        serialization.has("ignore_paths")
            ? serialization.texts("ignore_paths", MOST_FILES)
            : List.of();
    Map<String, Digest> digests = new HashMap<>();
    List<Digest> ordered = new ArrayList<>();
    predicate.objects(
        "resources",
        MOST_FILES,
        resource -> {
          require(resource, "algorithm", "sha256");
          Digest digest = resource.digest("digest");
          ordered.add(digest);
          if (digests.put(resource.text("name"), digest) != null) {
            throw resource.fail("'" + resource.text("name") + "' is there twice");
          }
          return digest;
        });
    if (!subject.equals(List.of(root(ordered)))) {
      throw json.fail("the subject's digest is not that of the resources");
    }
    return new Statement(digests, ignored);
  }

  private static void require(JsonFields json, String field, String expected) {
    String value = json.text(field);
    if (!value.equals(expected)) {
      throw json.fail("'" + field + "' must be " + expected + ", got '" + value + "'");
    }
  }

  /** How a version's files differ from those that were signed, a sentence each. */
  List<String> differences(Manifest manifest) {
    List<String> differences = new ArrayList<>();
    TreeSet<String> missing = new TreeSet<>(digests.keySet());
    for (Manifest.Entry file : manifest.files()) {
      missing.remove(file.path());
      Digest signed = digests.get(file.path());
      if (signed == null && !isIgnored(file.path())) {
        differences.add("'" + file.path() + "' is not signed");
      } else if (signed != null && !signed.equals(file.digest())) {
        differences.add(
            "'" + file.path() + "' was signed as " + signed + " and is " + file.digest());
      }
    }
    missing.forEach(path -> differences.add("'" + path + "' was signed and is not there"));
    return differences;
  }

  /** Those of a version's files that the signer chose not to sign. */
  List<String> unsigned(Manifest manifest) {
    return manifest.files().stream()
        .map(Manifest.Entry::path)
        .filter(path -> !digests.containsKey(path))
        .toList();
  }

  private boolean isIgnored(String path) {
    return ignored.stream().anyMatch(name -> path.equals(name) || path.startsWith(name + "/"));
  }
}
