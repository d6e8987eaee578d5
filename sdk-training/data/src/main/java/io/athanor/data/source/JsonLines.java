package io.athanor.data.source;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.athanor.api.error.FormatException;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A file with one JSON object in each line (jsonlines.org), in UTF-8. Values are strings, numbers
 * and booleans; null or an absent name is a missing cell. Arrays and objects are malformed, unless
 * {@link #nestedAsText}. The columns are the names in the first thousand records.
 *
 * <p>A plain file is read from disk as needed. A {@code .gz} file is unpacked into memory once, up
 * to a quarter of the heap and at most 1 GiB.
 *
 * <p>Immutable and thread-safe.
 */
public final class JsonLines implements DataSource {
  private static final int RECORDS_THAT_NAME_COLUMNS = 1_000;

  private final TextContent content;
  private final int maximumRecordBytes;
  private final boolean nestedAsText;
  private final JsonFactory json;

  private JsonLines(TextContent content, int maximumRecordBytes, boolean nestedAsText) {
    this.content = content;
    this.maximumRecordBytes = maximumRecordBytes;
    this.nestedAsText = nestedAsText;
    this.json =
        JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(
                StreamReadConstraints.builder().maxStringLength(maximumRecordBytes).build())
            .build();
  }

  public static JsonLines of(Path file) {
    return new JsonLines(new TextContent(file), 16 << 20, false);
  }

  /** Most bytes of one record; 16 MiB unless set. A longer one is malformed. */
  public JsonLines maximumRecordBytes(int bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes must be at least 1, got " + bytes);
    }
    return new JsonLines(content, bytes, nestedAsText);
  }

  /** Gives arrays and objects as their JSON text, such as the messages of a conversation. */
  public JsonLines nestedAsText() {
    return new JsonLines(content, maximumRecordBytes, true);
  }

  @Override
  public String name() {
    return content.file().toString();
  }

  @Override
  public RecordReader open() {
    String stamp = content.stamp();
    return new Reader(stamp, new RecordScanner(content, maximumRecordBytes, -1, -1));
  }

  private final class Reader extends TextReader {
    private Reader(String stamp, RecordScanner scanner) {
      super(content, stamp, scanner);
    }

    @Override
    public List<String> columns() {
      Set<String> names = new LinkedHashSet<>();
      int records = 0;
      try (RecordReader first = open()) {
        for (SourceRecord record = first.next();
            record != null && records < RECORDS_THAT_NAME_COLUMNS;
            record = first.next()) {
          names.addAll(record.cells().keySet());
          records++;
        }
      }
      if (records == 0) {
        throw new FormatException(name(), "is empty; expected one JSON object in each line");
      }
      return List.copyOf(names);
    }

    @Override
    SourceRecord parse(String text) {
      try (JsonParser parser = json.createParser(text)) {
        return object(parser);
      } catch (JsonProcessingException e) {
        return malformed("not a JSON object: " + e.getOriginalMessage());
      } catch (IOException e) {
        throw content.failure(e);
      }
    }

    /** The value that begins here, as text. */
    private String nested(JsonParser parser) throws IOException {
      StringWriter text = new StringWriter();
      try (JsonGenerator writer = json.createGenerator(text)) {
        writer.copyCurrentStructure(parser);
      }
      return text.toString();
    }

    private SourceRecord object(JsonParser parser) throws IOException {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return malformed("expected a JSON object, got " + parser.currentToken());
      }
      Map<String, Object> cells = new LinkedHashMap<>();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String column = parser.currentName();
        JsonToken value = parser.nextToken();
        if (value.isStructStart()) {
          if (!nestedAsText) {
            return malformed(
                column, "expected a string, a number or a boolean. Flatten nested values");
          }
          cells.put(column, nested(parser));
        } else if (value.isNumeric()) {
          cells.put(column, parser.getNumberValue());
        } else if (value != JsonToken.VALUE_NULL) {
          cells.put(column, parser.getText());
        }
      }
      if (parser.nextToken() != null) {
        return malformed("expected one JSON object in a line, got more");
      }
      return record(cells);
    }
  }
}
