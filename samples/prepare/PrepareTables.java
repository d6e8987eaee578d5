import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Makes the tables and the digit images of the samples from the data files inside scikit-learn.
 *
 * <p>Input: the folder {@code usr/lib/python3/dist-packages/sklearn/datasets/data} of the unpacked
 * Debian package {@code python3-sklearn}, version 1.2.1+dfsg-1.
 *
 * <pre>java PrepareTables.java DATA_FOLDER OUTPUT_FOLDER</pre>
 *
 * <p>Numbers keep their digits; only headers and class names are added. Nothing is compressed in
 * the zip file and all its dates are equal, so every run on every Java version writes the same
 * bytes.
 */
public final class PrepareTables {
  private static final LocalDateTime ZIP_DATE = LocalDateTime.of(2000, 1, 1, 0, 0);
  private static final int DIGIT_SIDE = 8;
  private static final int DIGIT_WHITE = 16;

  public static void main(String[] arguments)
      throws IOException, GeneralSecurityException, DataFormatException {
    if (arguments.length != 2) {
      System.err.println("Usage: java PrepareTables.java DATA_FOLDER OUTPUT_FOLDER");
      System.exit(2);
    }
    Path data = Path.of(arguments[0]);
    Path output = Path.of(arguments[1]);
    write(output.resolve("breast-cancer/breast_cancer.csv"), breastCancer(data));
    write(output.resolve("diabetes/diabetes.csv"), diabetes(data));
    write(output.resolve("iris/iris.csv"), iris(data));
    write(output.resolve("digits/digits.zip"), digits(data));
  }

  private static byte[] breastCancer(Path data) throws IOException, DataFormatException {
    List<String> measures =
        List.of(
            "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity",
            "concave_points", "symmetry", "fractal_dimension");
    var header = new ArrayList<String>();
    measures.forEach(measure -> header.add("mean_" + measure));
    measures.forEach(measure -> header.add(measure + "_error"));
    measures.forEach(measure -> header.add("worst_" + measure));
    header.add("diagnosis");
    return labelled(data.resolve("breast_cancer.csv"), header);
  }

  private static byte[] iris(Path data) throws IOException, DataFormatException {
    return labelled(
        data.resolve("iris.csv"),
        List.of("sepal_length", "sepal_width", "petal_length", "petal_width", "species"));
  }

  /** The first line of such a file says "rows,features,name of class 0,name of class 1,...". */
  private static byte[] labelled(Path file, List<String> header)
      throws IOException, DataFormatException {
    List<List<String>> lines = rows(file, ",");
    List<String> announced = lines.get(0);
    int features = header.size() - 1;
    List<List<String>> rows = lines.subList(1, lines.size());
    require(file, announced.get(0).equals(String.valueOf(rows.size())), "another number of rows");
    require(file, announced.get(1).equals(String.valueOf(features)), "other features");
    var table = new ArrayList<List<String>>(List.of(header));
    for (List<String> row : rows) {
      require(file, row.size() == features + 1, "a row of " + row.size() + " values");
      var named = new ArrayList<>(row.subList(0, features));
      named.add(announced.get(2 + Integer.parseInt(row.get(features))));
      table.add(named);
    }
    return csv(table);
  }

  private static byte[] diabetes(Path data) throws IOException, DataFormatException {
    Path file = data.resolve("diabetes_data_raw.csv.gz");
    List<List<String>> patients = rows(file, " ");
    List<List<String>> targets = rows(data.resolve("diabetes_target.csv.gz"), " ");
    require(file, patients.size() == targets.size(), "not one row per target");
    var table = new ArrayList<List<String>>();
    table.add(
        List.of("age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu", "progression"));
    for (int i = 0; i < patients.size(); i++) {
      require(file, patients.get(i).size() == 10, "a row of " + patients.get(i).size() + " values");
      var row = new ArrayList<>(patients.get(i));
      row.add(new BigDecimal(targets.get(i).get(0)).stripTrailingZeros().toPlainString());
      table.add(row);
    }
    return csv(table);
  }

  /** One folder per digit; a file is named after its line in the source, counted from 0. */
  private static byte[] digits(Path data) throws IOException, DataFormatException {
    Path file = data.resolve("digits.csv.gz");
    List<List<String>> rows = rows(file, ",");
    var bytes = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(bytes)) {
      for (int digit = 0; digit < 10; digit++) {
        for (int i = 0; i < rows.size(); i++) {
          int[] values = rows.get(i).stream().mapToInt(Integer::parseInt).toArray();
          require(file, values.length == DIGIT_SIDE * DIGIT_SIDE + 1, "a row of another length");
          if (values[DIGIT_SIDE * DIGIT_SIDE] == digit) {
            add(zip, "%d/%04d.png".formatted(digit, i), png(values));
          }
        }
      }
    }
    return bytes.toByteArray();
  }

  private static void add(ZipOutputStream zip, String name, byte[] content) throws IOException {
    var crc = new CRC32();
    crc.update(content);
    var entry = new ZipEntry(name);
    entry.setTimeLocal(ZIP_DATE);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }

  /** An 8-bit grey PNG; ink is white, as in the source: 0 becomes 0, 16 becomes 255. */
  private static byte[] png(int[] values) throws IOException {
    var lines = new ByteArrayOutputStream();
    for (int y = 0; y < DIGIT_SIDE; y++) {
      lines.write(0); // this line is not filtered
      for (int x = 0; x < DIGIT_SIDE; x++) {
        lines.write(Math.round(values[y * DIGIT_SIDE + x] * 255f / DIGIT_WHITE));
      }
    }
    var size = ByteBuffer.allocate(13).putInt(DIGIT_SIDE).putInt(DIGIT_SIDE).put((byte) 8);
    var png = new ByteArrayOutputStream();
    png.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
    png.write(chunk("IHDR", size.array()));
    png.write(chunk("IDAT", stored(lines.toByteArray())));
    png.write(chunk("IEND", new byte[0]));
    return png.toByteArray();
  }

  private static byte[] chunk(String type, byte[] content) {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    var crc = new CRC32();
    crc.update(name);
    crc.update(content);
    return ByteBuffer.allocate(12 + content.length)
        .putInt(content.length)
        .put(name)
        .put(content)
        .putInt((int) crc.getValue())
        .array();
  }

  /** A zlib stream without compression. */
  private static byte[] stored(byte[] content) {
    var deflater = new Deflater(Deflater.NO_COMPRESSION);
    deflater.setInput(content);
    deflater.finish();
    byte[] stream = new byte[content.length + 64];
    int length = deflater.deflate(stream);
    deflater.end();
    return Arrays.copyOf(stream, length);
  }

  private static List<List<String>> rows(Path file, String separator) throws IOException {
    try (InputStream raw = Files.newInputStream(file);
        InputStream plain = file.toString().endsWith(".gz") ? new GZIPInputStream(raw) : raw) {
      Stream<String> lines = new String(plain.readAllBytes(), StandardCharsets.US_ASCII).lines();
      return lines.map(line -> List.of(line.strip().split(separator))).toList();
    }
  }

  private static byte[] csv(List<List<String>> table) {
    return table.stream()
        .map(row -> String.join(",", row) + "\n")
        .collect(Collectors.joining())
        .getBytes(StandardCharsets.US_ASCII);
  }

  private static void require(Path file, boolean fact, String found) throws DataFormatException {
    if (!fact) {
      throw new DataFormatException(
          file + " is not the file this program was written for: it has " + found);
    }
  }

  private static void write(Path file, byte[] content)
      throws IOException, GeneralSecurityException {
    Files.createDirectories(file.getParent());
    Files.write(file, content);
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
    System.out.println(HexFormat.of().formatHex(digest) + "  " + file.getFileName());
  }
}
