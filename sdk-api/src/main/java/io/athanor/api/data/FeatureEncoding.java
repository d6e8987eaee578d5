package io.athanor.api.data;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How rows become the tensors of a model, fitted on training rows and kept with the model, so that
 * training, evaluation and serving see the same numbers. Immutable and thread-safe.
 */
public final class FeatureEncoding implements Encoding {
  /** The graph's input that holds all numbers and categories. */
  public static final String VECTOR = "features";

  private final List<Encoder> encoders;
  private final TargetEncoder target;
  private final Optional<Tokenizer> tokenizer;
  private final int width;

  /** By column, the index of each category, or of each label. */
  private final Map<String, Map<String, Integer>> indices = new HashMap<>();

  /**
   * @param encoders one for each feature column, in order
   * @param tokenizer present exactly when there is a text column; shared by all of them
   * @throws ValidationException if the parts do not fit together
   */
  public FeatureEncoding(
      List<Encoder> encoders, TargetEncoder target, Optional<Tokenizer> tokenizer) {
    this.encoders = List.copyOf(encoders);
    this.target = target;
    this.tokenizer = tokenizer;
    List<String> problems = new ArrayList<>();
    if (encoders.isEmpty()) {
      problems.add("there is no feature column");
    }
    if (tokenizer.isPresent() != encoders.stream().anyMatch(e -> e instanceof Encoder.Text)) {
      problems.add("a tokenizer is needed for text columns, and only for them");
    }
    if (target instanceof TargetEncoder.Label label && label.labels().size() < 2) {
      problems.add(
          "column '"
              + label.column()
              + "' has "
              + label.labels().size()
              + " label(s) "
              + label.labels()
              + ", and a classifier needs at least two");
    }
    int numbers = 0;
    for (Encoder encoder : encoders) {
      if (encoder instanceof Encoder.Standardize) {
        numbers++;
      } else if (encoder instanceof Encoder.OneHot oneHot) {
        numbers += oneHot.categories().size();
        indices.put(oneHot.column(), indices(oneHot.categories()));
      }
    }
    width = numbers;
    problems.addAll(clashes());
    if (!problems.isEmpty()) {
      throw new ValidationException("feature encoding", problems);
    }
    if (target instanceof TargetEncoder.Label label) {
      indices.put(label.column(), indices(label.labels()));
    }
  }

  /** Columns read twice, and columns whose input would have the name of another. */
  private List<String> clashes() {
    List<String> found = new ArrayList<>();
    Set<String> columns = new HashSet<>(Set.of(target.column()));
    Set<String> inputs = new HashSet<>(Set.of(Signature.TARGET));
    if (width > 0) {
      inputs.add(VECTOR);
    }
    for (Encoder encoder : encoders) {
      if (!columns.add(encoder.column())) {
        found.add("column '" + encoder.column() + "' is read twice");
      } else if (ownsInput(encoder) && !inputs.add(encoder.column())) {
        found.add(
            "column '"
                + encoder.column()
                + "' has the name of an input that the graph has for other columns; rename it");
      }
    }
    return found;
  }

  private static boolean ownsInput(Encoder encoder) {
    return encoder instanceof Encoder.Text || encoder instanceof Encoder.Image;
  }

  private static Map<String, Integer> indices(List<String> words) {
    Map<String, Integer> indices = new HashMap<>();
    for (int i = 0; i < words.size(); i++) {
      indices.putIfAbsent(words.get(i), i);
    }
    return indices;
  }

  /** One for each feature column, in order. */
  public List<Encoder> encoders() {
    return encoders;
  }

  public TargetEncoder target() {
    return target;
  }

  @Override
  public Task task() {
    return target.task();
  }

  /** Present exactly when there is a text column. */
  @Override
  public Optional<Tokenizer> tokenizer() {
    return tokenizer;
  }

  /** The columns it reads. */
  public Schema schema() {
    List<Column> features = new ArrayList<>();
    for (Encoder encoder : encoders) {
      features.add(new Column(encoder.column(), type(encoder)));
    }
    ColumnType targetType =
        target instanceof TargetEncoder.Label ? ColumnType.CATEGORY : ColumnType.NUMBER;
    return new Schema(features, Optional.of(new Column(target.column(), targetType)));
  }

  private static ColumnType type(Encoder encoder) {
    if (encoder instanceof Encoder.Standardize) {
      return ColumnType.NUMBER;
    }
    if (encoder instanceof Encoder.OneHot) {
      return ColumnType.CATEGORY;
    }
    return encoder instanceof Encoder.Text ? ColumnType.TEXT : ColumnType.IMAGE;
  }

  @Override
  public Signature signature() {
    List<Feature> features = new ArrayList<>();
    if (width > 0) {
      features.add(new Feature.Vector(VECTOR, width));
    }
    for (Encoder encoder : encoders) {
      if (encoder instanceof Encoder.Text text) {
        features.add(
            new Feature.Tokens(
                text.column(), tokenizer.orElseThrow().vocabularySize(), text.maximumLength()));
      } else if (encoder instanceof Encoder.Image image) {
        features.add(
            new Feature.Image(image.column(), image.channels(), image.height(), image.width()));
      }
    }
    return new Signature(features, target.task());
  }

  /**
   * Encodes a row; the target too where the row has it.
   *
   * @param source names the row in errors, for example a file
   * @param line the row's line, or 0
   * @throws FormatException if a cell is of the wrong type, an unknown category or label, or a
   *     picture of another size; names the column
   */
  public EncodedRow encode(Row row, String source, long line) {
    float[] vector = new float[width];
    List<int[]> tokens = new ArrayList<>();
    List<float[]> images = new ArrayList<>();
    int at = 0;
    for (Encoder encoder : encoders) {
      Cell cell = new Cell(source, line, encoder.column(), row.cell(encoder.column()));
      if (encoder instanceof Encoder.Standardize s) {
        double number = cell.value == null ? s.mean() : cell.number();
        vector[at++] = cell.single((number - s.mean()) / s.deviation());
      } else if (encoder instanceof Encoder.OneHot o) {
        int index = category(o, cell);
        if (index >= 0) {
          vector[at + index] = 1;
        }
        at += o.categories().size();
      } else if (encoder instanceof Encoder.Text t) {
        String text = cell.value == null ? "" : cell.text();
        tokens.add(tokenizer.orElseThrow().encode(text, t.maximumLength()));
      } else if (encoder instanceof Encoder.Image i) {
        images.add(pixels(i, cell));
      }
    }
    return new EncodedRow(vector, tokens, images, target(row, source, line));
  }

  private double target(Row row, String source, long line) {
    Cell cell = new Cell(source, line, target.column(), row.cell(target.column()));
    if (cell.value == null) {
      return Double.NaN;
    }
    if (target instanceof TargetEncoder.Label label) {
      int index = index(cell);
      if (index < 0) {
        throw cell.fail("label '" + cell.text() + "' is not one of " + label.labels());
      }
      return index;
    }
    TargetEncoder.Quantity number = (TargetEncoder.Quantity) target;
    return cell.single((cell.number() - number.mean()) / number.deviation());
  }

  /** The index of a category or label, or -1. */
  private int index(Cell cell) {
    return Objects.requireNonNull(indices.get(cell.column)).getOrDefault(cell.text(), -1);
  }

  private int category(Encoder.OneHot encoder, Cell cell) {
    if (cell.value == null) {
      return -1;
    }
    int index = index(cell);
    if (index < 0 && encoder.unknown() == Encoder.OneHot.Unknown.REFUSE) {
      throw cell.fail(
          "category '"
              + cell.text()
              + "' was not in the training data, which has "
              + encoder.categories()
              + ". Correct it, leave the cell empty, or let the dataset ignore unknown categories");
    }
    return index;
  }

  private static float[] pixels(Encoder.Image encoder, Cell cell) {
    Pixels picture = cell.pixels();
    if (picture.channels() != encoder.channels()
        || picture.height() != encoder.height()
        || picture.width() != encoder.width()) {
      throw cell.fail(
          "expected a picture of "
              + encoder.width()
              + " x "
              + encoder.height()
              + " x "
              + encoder.channels()
              + " pixels, got "
              + picture);
    }
    float[] values = new float[encoder.channels() * encoder.height() * encoder.width()];
    int at = 0;
    for (int c = 0; c < encoder.channels(); c++) {
      for (int y = 0; y < encoder.height(); y++) {
        for (int x = 0; x < encoder.width(); x++) {
          values[at++] =
              (float) ((picture.at(x, y, c) / 255.0 - encoder.mean()) / encoder.deviation());
        }
      }
    }
    return values;
  }

  /**
   * Puts encoded rows together: one tensor for each input of {@link #signature}, sequences padded
   * to the longest; and the target, if every row has one.
   *
   * @param rows at least one
   */
  public Map<String, Tensor> collate(List<EncodedRow> rows) {
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("rows must not be empty");
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    int n = rows.size();
    if (width > 0) {
      tensors.put(VECTOR, floats(rows.stream().map(r -> r.vector).toList(), n, width));
    }
    int text = 0;
    int image = 0;
    for (Encoder encoder : encoders) {
      if (encoder instanceof Encoder.Text) {
        int column = text++;
        putTokens(tensors, encoder.column(), rows.stream().map(r -> r.tokens.get(column)).toList());
      } else if (encoder instanceof Encoder.Image i) {
        int column = image++;
        List<float[]> pictures = rows.stream().map(r -> r.images.get(column)).toList();
        tensors.put(i.column(), floats(pictures, n, i.channels(), i.height(), i.width()));
      }
    }
    if (rows.stream().noneMatch(r -> Double.isNaN(r.target))) {
      tensors.put(Signature.TARGET, targets(rows));
    }
    return tensors;
  }

  private Tensor targets(List<EncodedRow> rows) {
    if (target instanceof TargetEncoder.Label) {
      return Tensor.ofLongs(rows.stream().mapToLong(r -> (long) r.target).toArray(), rows.size());
    }
    float[] numbers = new float[rows.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) rows.get(i).target;
    }
    return Tensor.ofFloats(numbers, rows.size(), 1);
  }

  private static Tensor floats(List<float[]> rows, long... shape) {
    ByteBuffer bytes = Tensor.allocate(DType.F32, Tensor.elements(shape));
    FloatBuffer floats = bytes.asFloatBuffer();
    rows.forEach(floats::put);
    return Tensor.of(DType.F32, bytes, shape);
  }

  private void putTokens(Map<String, Tensor> tensors, String column, List<int[]> rows) {
    int length = rows.stream().mapToInt(r -> r.length).max().orElse(1);
    ByteBuffer ids = Tensor.allocate(DType.I64, (long) rows.size() * length);
    ByteBuffer mask = Tensor.allocate(DType.F32, (long) rows.size() * length);
    LongBuffer idsOut = ids.asLongBuffer();
    FloatBuffer maskOut = mask.asFloatBuffer();
    int padding = tokenizer.orElseThrow().paddingId();
    for (int[] row : rows) {
      for (int t = 0; t < length; t++) {
        idsOut.put(t < row.length ? row[t] : padding);
        maskOut.put(t < row.length ? 1 : 0);
      }
    }
    tensors.put(column, Tensor.of(DType.I64, ids, rows.size(), length));
    tensors.put(Feature.Tokens.maskOf(column), Tensor.of(DType.F32, mask, rows.size(), length));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FeatureEncoding that
        && encoders.equals(that.encoders)
        && target.equals(that.target)
        && tokenizer.equals(that.tokenizer);
  }

  @Override
  public int hashCode() {
    return encoders.hashCode();
  }

  /** A cell with the place to name when it is wrong. */
  private record Cell(String source, long line, String column, @Nullable Object value) {
    double number() {
      if (value instanceof Double number && Double.isFinite(number)) {
        return number;
      }
      throw fail("expected a finite number, got " + describe());
    }

    float single(double standardized) {
      float value = (float) standardized;
      if (Float.isFinite(value)) {
        return value;
      }
      throw fail("expected a number near those of the training data, got " + describe());
    }

    String text() {
      if (value instanceof String text) {
        return text;
      }
      throw fail("expected text, got " + describe());
    }

    Pixels pixels() {
      if (value instanceof Pixels pixels) {
        return pixels;
      }
      throw fail("expected a picture, got " + describe());
    }

    private String describe() {
      return value == null ? "nothing" : "'" + value + "'";
    }

    FormatException fail(String problem) {
      return new FormatException(source, line, column, problem);
    }
  }
}
