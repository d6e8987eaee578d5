package io.athanor.api.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.DType;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.GraphException;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GraphJsonTest {
  private final Graph graph = EveryOp.graph();
  private final String text = GraphJson.write(graph).toString();

  @Test
  void everyOperationComesBackAsItWas() {
    Set<Class<?>> seen = new HashSet<>();
    GraphBuilder g = Graph.builder("foreign");
    graph.nodes().forEach(node -> seen.add(node.op().getClass()));

    Value x = g.input("x", TensorType.i64(Dim.BATCH, Dim.SEQUENCE.plus(1)));
    g.declare(new Parameter("w", Shape.of(2, 3), Initializer.ZEROS, Parameter.Role.FROZEN));
    TensorType type = TensorType.f32(Dim.BATCH, Dim.of(4));
    Op op = new LayerOp.Foreign("script", "AAEC", List.of("w"), type);
    Graph foreign = g.output("y", g.apply("program", op, x)).build();
    seen.add(op.getClass());

    assertThat(GraphJson.read("j", GraphJson.write(foreign).toString())).isEqualTo(foreign);
    Graph quantized = quantized();
    quantized.nodes().forEach(node -> seen.add(node.op().getClass()));
    assertThat(GraphJson.read("j", GraphJson.write(quantized).toString())).isEqualTo(quantized);
    assertThat(EveryOp.types()).hasSize(41);
    assertThat(seen).containsExactlyInAnyOrderElementsOf(EveryOp.types());
    assertThat(GraphJson.read("graph.json", text)).isEqualTo(graph);
  }

  private static Graph quantized() {
    GraphBuilder g = Graph.builder("quantized");
    Value ids = g.input("ids", TensorType.i64(Dim.BATCH));
    Parameter.Role frozen = Parameter.Role.FROZEN;
    g.declare(new Parameter("table", Shape.of(11, 4), Initializer.ZEROS, frozen, DType.I8));
    g.declare(new Parameter("table.scale", Shape.of(11), Initializer.ONES, frozen));
    g.declare(new Parameter("matrix", Shape.of(3, 4), Initializer.ZEROS, frozen, DType.I8));
    g.declare(new Parameter("matrix.scale", Shape.of(3), Initializer.ONES, frozen));
    Value x = g.apply("rows", new QuantizedOp.QuantizedEmbedding("table", "table.scale"), ids);
    Op linear = new QuantizedOp.QuantizedLinear("matrix", "matrix.scale", null);
    return g.output("y", g.apply("product", linear, x)).build();
  }

  @Test
  void theResultOfAForeignProgramHasNoSizesOfItsOwn() {
    GraphBuilder g = Graph.builder("foreign");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(3)));
    TensorType type = TensorType.f32(Dim.BATCH, Dim.SEQUENCE);
    Op op = new LayerOp.Foreign("script", "AAEC", List.of(), type);

    assertThatThrownBy(() -> g.apply("program", op, x))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("no input has the size 'sequence' of the result");
  }

  @Test
  void everyActivationComesBackAsItWas() {
    int read = 0;
    for (ElementOp.Activation.Kind kind : ElementOp.Activation.Kind.values()) {
      GraphBuilder g = Graph.builder("activation");
      Value x = g.input("x", TensorType.f32(Dim.BATCH));
      Graph one = g.output("y", g.activation(kind, x)).build();
      assertThat(GraphJson.read("j", GraphJson.write(one))).isEqualTo(one);
      read++;
    }
    assertThat(read).isEqualTo(9);
  }

  @Test
  void everyRopeScalingComesBackAsItWas() {
    Set<Class<?>> seen = new HashSet<>();
    for (RopeScaling scaling : EveryOp.ropeScalings()) {
      GraphBuilder g = Graph.builder("rope");
      Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(8)));
      Graph one = g.output("y", g.apply("r", new SequenceOp.Rope(4, 500_000, scaling), x)).build();
      assertThat(GraphJson.read("j", GraphJson.write(one).toString())).isEqualTo(one);
      seen.add(scaling.getClass());
    }
    assertThat(seen).containsExactlyInAnyOrder(RopeScaling.class.getPermittedSubclasses());
  }

  @Test
  void rolesAndInitialisersAndSymbolsComeBackAsTheyWere() {
    GraphBuilder g = Graph.builder("a");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE.plus(2), Dim.of(3)));
    Graph frozen = g.output("y", g.linear("l", x, 2)).build().freeze(name -> true);

    Graph read = GraphJson.read("j", GraphJson.write(frozen).toString());

    assertThat(read).isEqualTo(frozen);
    assertThat(read.type("x").shape()).hasToString("[batch, sequence+2, 3]");
    assertThat(read.parameter("l.weight").role()).isEqualTo(Parameter.Role.FROZEN);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"format\":1 | {\"format\":2 | expected format 1, got 2; a newer version",
        "\"op\":\"huber\" | \"op\":\"hyper\" | unknown operation 'hyper'; a newer version may",
        "{\"delta\":1.5} | {\"delta\":1.5,\"beta\":2} | unknown field 'beta'; a newer version may",
        "{\"delta\":1.5} | {} | missing field 'delta'",
        "{\"delta\":1.5} | {\"delta\":-1.5} | delta must be above 0, got -1.5",
        "{\"delta\":1.5} | {\"delta\":\"1.5\"} | 'delta' must be a finite number, got string \"1.5\"",
        "\"stride\":1 | \"stride\":1.5 | 'stride' must be a 32-bit integer, got number 1.5",
        "\"stride\":1 | \"stride\":9999999999 | 'stride' must be a 32-bit integer",
        "\"kind\":\"relu\" | \"kind\":\"rely\" | 'kind' must be one of [relu, gelu,",
        "\"inputs\":[\"image\"] | \"inputs\":[\"picture\"] | there is no earlier value 'picture'",
        "\"inputs\":[\"image\"] | \"inputs\":[7] | expected a text, got number 7",
        "\"name\":\"head.bias\" | \"name\":\"head.boas\" | there is no parameter 'head.bias'",
        "\"shape\":[\"batch\",3,8,6] | \"shape\":[\"batch\",3,8,0] | must be at least 1, got 0",
        "\"shape\":[\"batch\",3,8,6] | \"shape\":[\"b-tch\",3,8,6] | symbol must be an identifier",
        "\"shape\":[\"batch\",3,8,6] | \"shape\":[\"batch\",3,8,null] | number or a symbol, got null",
        "\"causal\":true | \"causal\":1 | 'causal' must be true or false, got number 1",
        "\"kind\":\"llama3\" | \"kind\":\"llama4\" | unknown rope scaling 'llama4'; a newer version",
        "\"kind\":\"yarn\",\"factor\":4.0 | \"kind\":\"yarn\" | missing field 'factor'",
        "\"factor\":2.5 | \"factor\":-2.5 | factor must be above 0, got -2.5",
        "\"factor\":2.5 | \"factor\":2.5,\"speed\":1 | unknown field 'speed'; a newer version may",
        "\"originalLength\":8192 | \"originalLength\":0 | originalLength must be above 0, got 0.0",
        "\"originalLength\":8192 | \"originalLength\":true | 'originalLength' must be a",
        "\"window\":3 | \"window\":-3 | window must be 0, or above 0 where causal, got -3",
        "\"softCap\":30.0 | \"softCap\":-1 | softCap must be at least 0, got -1.0",
        "\"beta\":0.25 | \"beta\":0 | beta must be above 0, got 0.0",
        "\"temperature\":0.05 | \"temperature\":\"x\" | 'temperature' must be a finite number",
        "\"count\":2 | \"count\":0 | count must be at least 1, got 0",
        "\"offset\":1.0 | \"offset\":null | 'offset' must be a finite number",
        "\"inputs\":[\"wide\" | \"inputs\":[\"wild\" | there is no earlier value 'wild'",
        "\"outputs\":{ | \"outputs\":{\"x\":\"none\", | there is no earlier value 'none'",
      })
  void aWrongPartIsNamed(String from, String to, String message) {
    assertThat(text).contains(from);

    assertThatThrownBy(() -> GraphJson.read("graph.json", text.replace(from, to)))
        .isInstanceOfAny(FormatException.class, GraphException.class)
        .hasMessageContaining(message);
  }

  @Test
  void anErrorNamesSourceAndPlace() {
    assertThatThrownBy(
            () -> GraphJson.read("graph.json", text.replace("{\"delta\":1.5}", "{\"delta\":true}")))
        .isInstanceOf(FormatException.class)
        .hasMessageMatching(
            "graph\\.json: nodes\\[\\d+]\\.attributes: 'delta' must be a finite number, got boolean true");
  }

  @Test
  void parametersTooLargeToCountAreRefused() {
    String huge =
        "{\"format\":1,\"name\":\"a\",\"inputs\":[{\"name\":\"x\",\"role\":\"feature\","
            + "\"type\":\"f32\",\"shape\":[\"batch\",4611686018427387904]}],\"parameters\":[{\"name\":"
            + "\"w\",\"role\":\"trained\",\"shape\":[4611686018427387904,4611686018427387904],"
            + "\"initializer\":{\"kind\":\"constant\",\"value\":0}}],\"nodes\":[{\"name\":\"l\",\"op\":"
            + "\"linear\",\"inputs\":[\"x\"],\"attributes\":{\"weight\":\"w\",\"bias\":null}}],"
            + "\"outputs\":{\"y\":\"l\"},\"loss\":null}";

    assertThatThrownBy(() -> GraphJson.read("j", huge))
        .isInstanceOf(GraphException.class)
        .hasMessage(
            "At 'w': the parameters are too large to count, this one has shape "
                + "[4611686018427387904, 4611686018427387904]");
  }

  @Test
  void aClaimOfTenGigabytesIsOnlyANumber() {
    ObjectNode json = GraphJson.write(graph);
    String big = json.toString().replace("[11,8]", "[335544320,8]");

    assertThat(GraphJson.read("j", big).parameterCount() * 4).isGreaterThan(10L << 30);
    assertThatThrownBy(() -> Weights.initialize(GraphJson.read("j", big), 1))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("'embedding.weight'")
        .hasMessageContaining("less than 2 GiB");
  }

  @Test
  void moreNodesThanAnyModelHasAreRefused() {
    String many = "[" + "0,".repeat(100_000) + "0]";

    assertThatThrownBy(
            () -> GraphJson.read("j", "{\"format\":1,\"name\":\"a\",\"inputs\":" + many + "}"))
        .hasMessageContaining("at most 100000 elements, got 100001");
  }

  @Test
  void textThatIsNotOneJsonObjectIsRefused() {
    for (String bad : new String[] {"", "{", "[]", "null", text + "{}", "[".repeat(5000)}) {
      assertThatThrownBy(() -> GraphJson.read("graph.json", bad))
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith("graph.json: ");
    }
    assertThatThrownBy(
            () -> GraphJson.read("j", text.replace("{\"format\":1", "{\"format\":1,\"format\":1")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("Duplicate field 'format'");
  }

  @Test
  void damagedTextGivesAGraphOrAnErrorOfOurs() {
    Random random = new Random(7);
    String alphabet = "{}[]\",:0123456789.eE+-abfnrtulsx \\\u0000\u00e9\ud800";
    int refused = 0;
    int read = 0;
    for (int i = 0; i < 2_000; i++) {
      StringBuilder damaged = new StringBuilder(text);
      for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
        int at = random.nextInt(damaged.length());
        switch (random.nextInt(4)) {
          case 0 -> damaged.deleteCharAt(at);
          case 1 -> damaged.setCharAt(at, alphabet.charAt(random.nextInt(alphabet.length())));
          case 2 -> damaged.insert(at, alphabet.charAt(random.nextInt(alphabet.length())));
          default -> damaged.delete(at, Math.min(damaged.length(), at + random.nextInt(40)));
        }
      }
      try {
        GraphJson.read("damaged", damaged.toString());
        read++;
      } catch (FormatException | GraphException expected) {
        refused++;
      } catch (RuntimeException e) {
        fail("Mutation " + i + " gave " + e + " for " + damaged, e);
      }
    }
    assertThat(refused).isGreaterThan(1_500);
    assertThat(read).isGreaterThan(10);
  }

  @Test
  void swappedValuesGiveAGraphOrAnErrorOfOurs() {
    String[] values = {
      "0",
      "-1",
      "2147483647",
      "9223372036854775807",
      "1e308",
      "null",
      "true",
      "[]",
      "{}",
      "\"\"",
      "[9223372036854775807,2]",
      "\"batch+9223372036854775807\"",
      "[null]",
      "[[]]"
    };
    Random random = new Random(11);
    String[] tokens = text.split("(?<=[:,\\[])(?=[\\d\"tf])|(?<=[\\d\"e])(?=[,}\\]])");
    assertThat(tokens.length).isGreaterThan(800);
    for (int i = 0; i < 2_000; i++) {
      String[] damaged = tokens.clone();
      damaged[random.nextInt(damaged.length)] = values[random.nextInt(values.length)];
      String joined = String.join("", damaged);
      try {
        GraphJson.read("damaged", joined);
      } catch (FormatException | GraphException expected) {
        assertThat(expected.getMessage()).isNotBlank();
      } catch (RuntimeException e) {
        fail("Mutation " + i + " gave " + e + " for " + joined, e);
      }
    }
  }
}
