package io.athanor.api.graph;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.DType;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A {@link Graph} as JSON. Result types of nodes are not written but worked out again, and reading
 * makes every check that building makes, so that a text from anywhere gives a sound graph or an
 * error that names the place. Reading is strict: what this version does not know is an error, since
 * a part left out would silently make another model.
 */
public final class GraphJson {
  /** The version this class writes, and the newest it reads. */
  public static final int FORMAT = 1;

  private static final int MAX_ELEMENTS = 100_000;
  private static final int MAX_RANK = 16;

  private GraphJson() {}

  /** The graph as JSON. */
  public static ObjectNode write(Graph graph) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("format", FORMAT).put("name", graph.name());
    ArrayNode inputs = json.putArray("inputs");
    for (Input input : graph.inputs()) {
      ObjectNode item = inputs.addObject().put("name", input.name());
      item.put("role", JsonFields.lower(input.role()));
      item.put("type", JsonFields.lower(input.type().dtype()));
      item.set("shape", shape(input.type().shape()));
    }
    ArrayNode parameters = json.putArray("parameters");
    for (Parameter parameter : graph.parameters()) {
      ObjectNode item = parameters.addObject().put("name", parameter.name());
      item.put("role", JsonFields.lower(parameter.role()));
      if (parameter.type() != DType.F32) {
        item.put("type", JsonFields.lower(parameter.type()));
      }
      item.set("shape", shape(parameter.shape()));
      item.set("initializer", initializer(parameter.initializer()));
    }
    ArrayNode nodes = json.putArray("nodes");
    for (Node node : graph.nodes()) {
      ObjectNode item = nodes.addObject().put("name", node.name()).put("op", OpJson.id(node.op()));
      ArrayNode from = item.putArray("inputs");
      node.inputs().forEach(from::add);
      item.set("attributes", OpJson.write(node));
    }
    ObjectNode outputs = json.putObject("outputs");
    graph.outputs().forEach(outputs::put);
    json.put("loss", graph.loss().orElse(null));
    return json;
  }

  /**
   * Reads a graph from text.
   *
   * @param source where the text came from, for errors
   * @throws FormatException if the text is not JSON, or not of this format; names the place
   * @throws io.athanor.api.error.GraphException if names dangle or shapes do not fit
   */
  public static Graph read(String source, String text) {
    return read(source, JsonFields.tree(source, text));
  }

  /**
   * Reads a graph.
   *
   * @param source where the JSON came from, for errors
   * @throws FormatException if the JSON is not of this format; names the place
   * @throws io.athanor.api.error.GraphException if names dangle or shapes do not fit
   */
  public static Graph read(String source, JsonNode json) {
    JsonFields fields = new JsonFields(source, "", json);
    long format = fields.integer("format");
    if (format != FORMAT) {
      throw fields.fail(
          "expected format "
              + FORMAT
              + ", got "
              + format
              + "; a newer version may have written it");
    }
    GraphBuilder graph = Graph.builder(fields.text("name"));
    Map<String, Value> values = new LinkedHashMap<>();
    fields
        .objects("inputs", MAX_ELEMENTS, GraphJson::input)
        .forEach(input -> values.put(input.name(), graph.declare(input)));
    fields.objects("parameters", MAX_ELEMENTS, GraphJson::parameter).forEach(graph::declare);
    fields.objects(
        "nodes",
        MAX_ELEMENTS,
        item -> {
          Value value = node(graph, values, item);
          return values.put(value.name(), value);
        });
    JsonFields outputs = fields.object("outputs");
    for (String output : outputs.names()) {
      graph.output(output, value(outputs, values, outputs.text(output)));
    }
    String loss = fields.textOrNull("loss");
    if (loss != null) {
      graph.loss(value(fields, values, loss));
    }
    fields.requireNoMore();
    return graph.build();
  }

  private static Input input(JsonFields fields) {
    Input input =
        new Input(
            fields.text("name"),
            new TensorType(fields.choice("type", DType.class), shape(fields)),
            fields.choice("role", Input.Role.class));
    fields.requireNoMore();
    return input;
  }

  private static Parameter parameter(JsonFields fields) {
    JsonFields initializer = fields.object("initializer");
    Parameter parameter =
        fields.checked(
            () ->
                new Parameter(
                    fields.text("name"),
                    shape(fields),
                    initializer(initializer),
                    fields.choice("role", Parameter.Role.class),
                    fields.has("type") ? fields.choice("type", DType.class) : DType.F32));
    initializer.requireNoMore();
    fields.requireNoMore();
    return parameter;
  }

  static ObjectNode type(TensorType type) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("type", JsonFields.lower(type.dtype()));
    json.set("shape", shape(type.shape()));
    return json;
  }

  static TensorType type(JsonFields fields) {
    TensorType type = new TensorType(fields.choice("type", DType.class), shape(fields));
    fields.requireNoMore();
    return type;
  }

  private static Value node(GraphBuilder graph, Map<String, Value> values, JsonFields fields) {
    String name = fields.text("name");
    String id = fields.text("op");
    JsonFields attributes = fields.object("attributes");
    Op op = attributes.checked(() -> OpJson.read(id, attributes));
    attributes.requireNoMore();
    Value[] from =
        fields.texts("inputs", MAX_ELEMENTS).stream()
            .map(input -> value(fields, values, input))
            .toArray(Value[]::new);
    fields.requireNoMore();
    return graph.apply(name, op, from);
  }

  private static Value value(JsonFields fields, Map<String, Value> values, String name) {
    Value value = values.get(name);
    if (value == null) {
      throw fields.fail("there is no earlier value '" + name + "'");
    }
    return value;
  }

  private static ArrayNode shape(Shape shape) {
    ArrayNode sizes = JsonNodeFactory.instance.arrayNode();
    for (Dim dim : shape.dims()) {
      if (dim.fixed()) {
        sizes.add(dim.offset());
      } else {
        sizes.add(dim.toString());
      }
    }
    return sizes;
  }

  private static Shape shape(JsonFields fields) {
    List<Dim> dims =
        fields.list("shape", MAX_RANK, (at, item) -> fields.checked(() -> dim(fields, item)));
    return new Shape(dims);
  }

  /** A number, or the text {@code "symbol"} or {@code "symbol+number"}. */
  private static Dim dim(JsonFields fields, JsonNode item) {
    if (item.isIntegralNumber() && item.canConvertToLong()) {
      return Dim.of(item.longValue());
    }
    if (!item.isTextual()) {
      throw fields.fail("a size must be a number or a symbol, got " + JsonFields.describe(item));
    }
    String text = item.textValue();
    int plus = text.indexOf('+');
    return plus < 0
        ? Dim.symbol(text)
        : new Dim(text.substring(0, plus), Long.parseLong(text.substring(plus + 1)));
  }

  private static ObjectNode initializer(Initializer initializer) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (initializer instanceof Initializer.Normal normal) {
      return json.put("kind", "normal").put("deviation", normal.deviation());
    }
    if (initializer instanceof Initializer.Uniform uniform) {
      return json.put("kind", "uniform").put("bound", uniform.bound());
    }
    double value = ((Initializer.Constant) initializer).value();
    return json.put("kind", "constant").put("value", value);
  }

  private static Initializer initializer(JsonFields fields) {
    String kind = fields.text("kind");
    return switch (kind) {
      case "normal" -> new Initializer.Normal(fields.number("deviation"));
      case "uniform" -> new Initializer.Uniform(fields.number("bound"));
      case "constant" -> new Initializer.Constant(fields.number("value"));
      default ->
          throw fields.fail(
              "unknown initializer '" + kind + "'; a newer version may have written it");
    };
  }
}
