package io.athanor.registry.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The words of what is said of versions. Thread-safe. */
final class WordTable {
  /** Further words of a very long text are not searched. */
  private static final int MOST = 2_000;

  private static final int CHUNK = 200;
  private static final List<String> SAID =
      List.of(
          "m.name",
          "v.description",
          "v.architecture",
          "v.task",
          "v.type",
          "v.licence",
          "v.terms",
          "v.specialisation",
          "v.backend",
          "v.job");
  private static final String TEXTS =
      "SELECT "
          + String.join(", ", SAID)
          + " FROM version v JOIN model m ON m.id = v.model_id WHERE v.id = ?";

  /** Takes the words of a version anew, from its row and its tags. */
  void write(Session session, long key) throws SQLException {
    List<String> texts = new ArrayList<>();
    session.query(TEXTS, row -> texts.addAll(columns(row)), key);
    session.query(
        "SELECT name, value FROM version_tag WHERE version_id = ? ORDER BY name",
        row -> texts.add(row.getString(1) + " " + row.getString(2)),
        key);
    List<String> words = Words.of(String.join(" ", texts));
    session.update("DELETE FROM version_word WHERE version_id = ?", key);
    int most = Math.min(words.size(), MOST);
    for (int from = 0; from < most; from += CHUNK) {
      insert(session, key, words.subList(from, Math.min(from + CHUNK, most)));
    }
  }

  /** Takes the words of every version anew. */
  void writeAll(Session session) throws SQLException {
    for (long key : session.query("SELECT id FROM version", row -> row.getLong(1))) {
      write(session, key);
    }
  }

  private static List<String> columns(ResultSet row) throws SQLException {
    List<String> texts = new ArrayList<>();
    for (int column = 1; column <= SAID.size(); column++) {
      String text = row.getString(column);
      if (text != null) {
        texts.add(text);
      }
    }
    return texts;
  }

  private static void insert(Session session, long key, List<String> words) throws SQLException {
    List<Object> values = new ArrayList<>();
    for (String word : words) {
      values.add(word);
      values.add(key);
    }
    session.update(
        "INSERT INTO version_word (word, version_id) VALUES "
            + String.join(", ", Collections.nCopies(words.size(), "(?, ?)")),
        values.toArray());
  }
}
