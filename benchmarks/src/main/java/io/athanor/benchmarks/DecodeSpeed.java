package io.athanor.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.model.Models;
import io.athanor.model.arch.Pretrained;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Tokens in a second of a language model in a Hugging Face folder: reads a prompt, then takes the
 * likeliest token each time. A round runs for each line of the standard input, so that {@code
 * benchmarks/peers/interleave.py} can let contenders take turns. Arguments: folder, precision,
 * threads, text file, tokens of it that make the prompt, new tokens.
 */
public final class DecodeSpeed {
  private final Decoder decoder;
  private final int[] prompt;
  private final int tokens;

  private DecodeSpeed(Decoder decoder, int[] prompt, int tokens) {
    this.decoder = decoder;
    this.prompt = prompt;
    this.tokens = tokens;
  }

  /** Prints a JSON object for each round. */
  public static void main(String[] arguments) throws IOException {
    Pretrained model = Models.huggingFace(Path.of(arguments[0]));
    LanguageEncoding encoding = model.reading().orElseThrow();
    int length = Integer.parseInt(arguments[4]);
    int[] prompt = encoding.vocabulary().encode(Files.readString(Path.of(arguments[3])), length);
    Graph graph = model.graph(encoding.signature());
    Weights weights = model.weights(graph, 0);
    BackendOptions options = BackendOptions.defaults().withThreads(Integer.parseInt(arguments[2]));
    Precision precision = Precision.valueOf(arguments[1]);
    try (Backend backend = Backends.installed().named("djl").open(options);
        Decoder decoder = backend.decoder(graph, weights, precision);
        BufferedReader turns =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      DecodeSpeed speed = new DecodeSpeed(decoder, prompt, Integer.parseInt(arguments[5]));
      while (turns.readLine() != null) {
        System.out.println(speed.round());
      }
    }
  }

  private String round() {
    int[] ids = new int[tokens];
    long start = System.nanoTime();
    Tensor logits = decoder.begin(List.of(prompt), prompt.length + tokens, Map.of());
    ids[0] = likeliest(logits);
    long read = System.nanoTime();
    long cpu = cpuTime();
    for (int i = 1; i < tokens; i++) {
      logits = decoder.next(new int[] {ids[i - 1]});
      ids[i] = likeliest(logits);
    }
    long end = System.nanoTime();
    long used = cpuTime() - cpu;
    return String.format(
        Locale.ROOT,
        "{\"prompt\": %.2f, \"decode\": %.2f, \"decode_cpu\": %.2f, \"ids\": %s}",
        prompt.length * 1e9 / (read - start),
        (tokens - 1) * 1e9 / (end - read),
        (tokens - 1) * 1e9 / used,
        Arrays.toString(ids));
  }

  /** Nanoseconds that all threads of this process have worked. */
  private static long cpuTime() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
  }

  private static int likeliest(Tensor logits) {
    FloatBuffer values = logits.floatBuffer();
    return IntStream.range(0, values.limit())
        .reduce((best, i) -> values.get(i) > values.get(best) ? i : best)
        .orElseThrow();
  }
}
