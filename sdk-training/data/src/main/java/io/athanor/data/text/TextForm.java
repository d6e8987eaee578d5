package io.athanor.data.text;

import io.athanor.api.data.Task;
import io.athanor.data.table.LocatedRow;
import java.util.List;

/** What the columns of text mean, and how a row becomes sequences. Thread-safe. */
public sealed interface TextForm permits Documents, Completions, Chats, Preferences, Pairs {
  /** The columns it reads. */
  List<String> columns();

  /** What a model learns. */
  Task task();

  /** How many sequences stay together in a batch, one after the other. */
  default int width() {
    return 1;
  }

  /** Whether the id that ends a text is put after what is learned. */
  default boolean ended() {
    return true;
  }

  /**
   * Reads a row.
   *
   * @throws io.athanor.api.error.FormatException if its text is not what it should be
   */
  Example read(LocatedRow row, Vocabulary vocabulary);

  /** The text of a cell; empty where it is missing. */
  static String text(LocatedRow row, String column) {
    Object cell = row.row().cell(column);
    return cell == null ? "" : cell.toString();
  }
}
