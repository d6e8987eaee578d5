package io.athanor.data.source;

import io.athanor.api.common.Digest;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What readers of text files share: everything but the meaning of a record's text. */
abstract class TextReader implements RecordReader {
  private final String name;
  private final String stamp;
  private final RecordScanner scanner;

  TextReader(TextContent content, String stamp, RecordScanner scanner) {
    this.name = content.file().toString();
    this.stamp = stamp;
    this.scanner = scanner;
  }

  /** The record with this text, by {@link #record} or {@link #malformed}. */
  abstract SourceRecord parse(String text);

  @Override
  public final @Nullable SourceRecord next() {
    if (!scanner.next()) {
      return null;
    }
    String problem = scanner.problem();
    return problem == null ? parse(scanner.text()) : malformed(problem);
  }

  final SourceRecord record(Map<String, Object> cells) {
    return SourceRecord.of(name, scanner.line(), scanner.position(), scanner.text(), cells);
  }

  final SourceRecord malformed(String problem) {
    return malformed(null, problem);
  }

  final SourceRecord malformed(@Nullable String column, String problem) {
    return SourceRecord.malformed(
        name, scanner.line(), scanner.position(), scanner.text(), column, problem);
  }

  @Override
  public final void seek(long position) {
    scanner.seek(position);
  }

  @Override
  public final Digest fingerprint() {
    return scanner.fingerprint();
  }

  @Override
  public final String stamp() {
    return stamp;
  }

  @Override
  public final void close() {
    scanner.close();
  }
}
