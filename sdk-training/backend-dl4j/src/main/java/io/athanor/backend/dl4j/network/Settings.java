package io.athanor.backend.dl4j.network;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One object of a configuration: a layer, a vertex, an activation function. Java classes that it
 * names are compared with known names, never loaded.
 */
final class Settings {
  private static final int MOST_CHILDREN = 10_000;
  private static final int LARGEST = 1 << 20;

  private final String source;
  private final String place;
  private final JsonNode node;
  private final JsonFields fields;

  /**
   * @param place the layer or vertex, for errors
   */
  Settings(String source, String place, JsonNode node) {
    this.source = source;
    this.place = place;
    this.node = node;
    this.fields = new JsonFields(source, place, node);
  }

  /** The layer or vertex, for errors. */
  String place() {
    return place;
  }

  /** The simple name of the class. */
  String type() {
    if (!node.has("@class")) {
      throw unsupported(
          "described in the form of DL4J before 1.0.0-beta",
          "Load the network with DL4J 1.0.0-M2.1 and save it again");
    }
    String name = fields.text("@class");
    if (!name.matches("org\\.(deeplearning4j|nd4j)\\.[A-Za-z0-9_.$]{1,200}")) {
      throw unsupported(
          "of a class that is not DL4J's, " + JsonFields.describe(node.get("@class")),
          "Replace it by layers of DL4J's own");
    }
    return name.substring(name.lastIndexOf('.') + 1);
  }

  boolean has(String name) {
    return node.hasNonNull(name);
  }

  int size(String name) {
    int size = fields.smallInteger(name);
    if (size < 1) {
      throw fail("'" + name + "' must be at least 1, got " + size);
    }
    return size;
  }

  long integer(String name, long otherwise) {
    return has(name) ? fields.integer(name) : otherwise;
  }

  double number(String name, double otherwise) {
    return has(name) ? fields.number(name) : otherwise;
  }

  boolean flag(String name, boolean otherwise) {
    return has(name) ? fields.flag(name) : otherwise;
  }

  String text(String name, String otherwise) {
    return has(name) ? fields.text(name) : otherwise;
  }

  List<String> texts(String name) {
    return fields.texts(name, MOST_CHILDREN);
  }

  /** As many whole numbers from 0 on as expected; sizes of windows and borders. */
  List<Integer> lengths(String name, int count) {
    List<Integer> found = fields.smallIntegers(name, MOST_CHILDREN);
    if (found.size() != count || found.stream().anyMatch(i -> i < 0 || i > LARGEST)) {
      throw fail(
          "'" + name + "' must be " + count + " whole numbers up to " + LARGEST + ", got " + found);
    }
    return found;
  }

  List<Integer> integers(String name) {
    return fields.smallIntegers(name, MOST_CHILDREN);
  }

  /** An object inside, of the same layer or vertex. */
  Settings inside(String name) {
    return new Settings(source, place, fields.node(name));
  }

  Optional<Settings> optional(String name) {
    return has(name) ? Optional.of(inside(name)) : Optional.empty();
  }

  /**
   * The objects of a list.
   *
   * @param kind what each is called, before its number
   */
  List<Settings> list(String name, String kind) {
    return fields.list(
        name,
        MOST_CHILDREN,
        (at, item) -> {
          String number = at.substring(at.lastIndexOf('[') + 1, at.length() - 1);
          return new Settings(source, kind + " " + number, item);
        });
  }

  /**
   * The objects of an object, by their names.
   *
   * @param kind what each is called, before its name
   */
  Map<String, Settings> named(String name, String kind) {
    JsonFields children = fields.object(name);
    Map<String, Settings> found = new TreeMap<>();
    for (String child : children.names()) {
      found.put(child, new Settings(source, kind + " " + child, children.node(child)));
    }
    return found;
  }

  /** The lists of texts of an object. */
  Map<String, List<String>> namedTexts(String name) {
    JsonFields children = fields.object(name);
    Map<String, List<String>> found = new TreeMap<>();
    for (String child : children.names()) {
      found.put(child, children.texts(child, MOST_CHILDREN));
    }
    return found;
  }

  FormatException fail(String problem) {
    return fields.fail(problem);
  }

  /**
   * @param what follows "layer x is"
   */
  UnsupportedException unsupported(String what, String remedy) {
    return new UnsupportedException(source + ": " + place + " is " + what, remedy);
  }

  /** Refuses a setting that has no counterpart. */
  void require(boolean fits, String what, String remedy) {
    if (!fits) {
      throw unsupported(what, remedy);
    }
  }
}
