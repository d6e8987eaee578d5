package io.athanor.deploy.input;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.error.FormatException;
import io.athanor.tck.fixture.TinyArtifacts;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RowReaderTest {
  private final RowReader sizes = new RowReader(TinyArtifacts.sizes().featureEncoding());
  private final RowReader scans = new RowReader(TinyArtifacts.scans().featureEncoding());

  private static Row read(RowReader reader, String json) throws IOException {
    return reader.read(new ObjectMapper().readTree(json));
  }

  @Test
  void readsAnObjectOfColumns() throws IOException {
    assertThat(read(sizes, "{\"size\": 3, \"colour\": null}")).isEqualTo(Row.of(Map.of("size", 3)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"size": "3", "colour": "red"}      | column 'size': expected a number or null, got string "3"
          {"size": true, "colour": "red"}     | column 'size': expected a number or null, got boolean true
          {"size": [3], "colour": "red"}      | column 'size': expected a number or null, got array
          {"size": 1e999, "colour": "red"}    | column 'size': expected a finite number
          {"size": 3, "colour": 7}            | column 'colour': expected a string or null, got number 7
          {"size": 3}                         | column 'colour': missing; send null if its value is unknown
          {"size": 3, "colour": "red", "x":1} | column 'x': unknown column; the model reads size (number), colour (category)
          [1, 2]                              | expected an object with the columns size (number), colour (category), got array
          "hello"                             | the model does not read a single text
          null                                | expected an object with the columns
          """)
  void refusesWithTheColumnAndTheRemedy(String json, String message) {
    assertThatThrownBy(() -> read(sizes, json))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(message);
  }

  private static byte[] png(int type, int width, int height, int rgb) throws IOException {
    BufferedImage image = new BufferedImage(width, height, type);
    for (int i = 0; i < width * height; i++) {
      image.setRGB(i % width, i / width, rgb);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, "png", out);
    return out.toByteArray();
  }

  private static String scan(byte[] file) {
    return "{\"scan\": \"" + Base64.getEncoder().encodeToString(file) + "\"}";
  }

  @Test
  void decodesPicturesToTheChannelsOfTheModel() throws IOException {
    byte[] red = png(BufferedImage.TYPE_INT_RGB, 2, 2, 0xFF0000);
    Pixels pixels = (Pixels) read(scans, scan(red)).cell("scan");
    assertThat(pixels).isEqualTo(Pixels.of(2, 2, 1, new byte[] {76, 76, 76, 76}));
  }

  @Test
  void refusesWhatIsNoPicture() {
    assertThatThrownBy(() -> read(scans, "{\"scan\": \"%%%\"}"))
        .hasMessageContaining("column 'scan': expected a picture in Base64");
    assertThatThrownBy(() -> read(scans, scan(new byte[] {1, 2, 3})))
        .hasMessageContaining("column 'scan': expected a PNG, JPEG, BMP or GIF picture");
  }

  @Test
  void refusesATruncatedPicture() throws IOException {
    byte[] whole = png(BufferedImage.TYPE_INT_RGB, 64, 64, 0x123456);
    assertThatThrownBy(() -> read(scans, scan(Arrays.copyOf(whole, 40))))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("column 'scan': the picture is broken or cut off");
  }
}
