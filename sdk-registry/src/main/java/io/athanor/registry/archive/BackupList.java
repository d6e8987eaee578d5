package io.athanor.registry.archive;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The last entry of a backup: what else there must be.
 *
 * @param schema version of the tables
 * @param auditProblems what was wrong with the audit log when the backup was made
 * @param tables in the order in which they can be filled
 * @param contents number of contents
 * @param bytes size of all contents
 */
record BackupList(
    int schema,
    Instant created,
    List<Table> tables,
    long contents,
    long bytes,
    Optional<Digest> auditHead,
    List<String> auditProblems) {
  static final String NAME = "backup.json";
  static final String BLOBS = "blobs/sha256/";
  static final Pattern NAMES =
      Pattern.compile("backup\\.json|tables/[a-z_]{1,50}\\.jsonl|blobs/sha256/[0-9a-f]{64}");
  static final int MOST_ENTRIES = 2_000_000;
  static final int MOST_BYTES = 1 << 24;

  private static final int FORMAT = 1;
  private static final int MOST_TABLES = 1000;

  /**
   * One table.
   *
   * @param rows number of lines
   * @param digest of the lines
   */
  record Table(String name, long rows, Digest digest) {
    static String entry(String name) {
      return "tables/" + name + ".jsonl";
    }

    String entry() {
      return entry(name);
    }
  }

  byte[] write() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("format", FORMAT);
    json.put("schema", schema);
    json.put("created", created.toString());
    json.put("contents", contents);
    json.put("bytes", bytes);
    json.put("auditHead", auditHead.map(Digest::hex).orElse(null));
    ArrayNode problems = json.putArray("auditProblems");
    auditProblems.forEach(problems::add);
    ArrayNode list = json.putArray("tables");
    for (Table table : tables) {
      list.addObject()
          .put("name", table.name())
          .put("rows", table.rows())
          .put("digest", table.digest().hex());
    }
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }

  static BackupList read(String source, byte[] content) {
    JsonFields json = JsonFields.parse(source, new String(content, StandardCharsets.UTF_8));
    int format = json.smallInteger("format");
    if (format != FORMAT) {
      throw json.fail("expected format " + FORMAT + ", got " + format + ". Use a newer Athanor");
    }
    BackupList list =
        new BackupList(
            json.smallInteger("schema"),
            json.instant("created"),
            json.objects(
                "tables",
                MOST_TABLES,
                table ->
                    new Table(table.text("name"), table.integer("rows"), table.digest("digest"))),
            json.integer("contents"),
            json.integer("bytes"),
            json.node("auditHead").isNull()
                ? Optional.empty()
                : Optional.of(json.digest("auditHead")),
            json.texts("auditProblems", Integer.MAX_VALUE));
    json.requireNoMore();
    return list;
  }

  private long rows(String table) {
    return tables.stream().filter(t -> t.name().equals(table)).mapToLong(Table::rows).sum();
  }

  BackupSummary summary(byte[] written) {
    return new BackupSummary(
        Digest.of(written), created, rows("version"), contents, bytes, rows("audit"), auditHead);
  }
}
