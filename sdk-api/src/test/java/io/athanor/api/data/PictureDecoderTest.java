package io.athanor.api.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PictureDecoderTest {
  private static byte[] file(BufferedImage image, String format) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, format, bytes)).isTrue();
    return bytes.toByteArray();
  }

  private static BufferedImage filled(int type, int width, int height, int rgb) {
    BufferedImage image = new BufferedImage(width, height, type);
    for (int i = 0; i < width * height; i++) {
      image.setRGB(i % width, i / width, rgb);
    }
    return image;
  }

  /** A PNG of 2 x 2 pixels whose header claims another size. */
  private static byte[] claiming(int width, int height) throws IOException {
    byte[] png = file(filled(BufferedImage.TYPE_INT_RGB, 2, 2, 0), "png");
    ByteBuffer header = ByteBuffer.wrap(png);
    header.putInt(16, width).putInt(20, height); // in the IHDR chunk
    CRC32 crc = new CRC32();
    crc.update(png, 12, 17);
    header.putInt(29, (int) crc.getValue());
    return png;
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "bmp", "gif"})
  void readsEveryLosslessFormatAlike(String format) throws IOException {
    byte[] file = file(filled(BufferedImage.TYPE_INT_RGB, 2, 1, 0x0000FF), format);

    assertThat(PictureDecoder.DEFAULT.decode(file))
        .isEqualTo(Pixels.of(2, 1, 3, new byte[] {0, 0, -1, 0, 0, -1}));
  }

  @Test
  void readsJpeg() throws IOException {
    Pixels pixels =
        PictureDecoder.DEFAULT.decode(
            file(filled(BufferedImage.TYPE_INT_RGB, 8, 8, 0x808080), "jpeg"));

    assertThat(pixels).hasToString("8 x 8 x 3 pixels");
    assertThat(pixels.at(4, 4, 1)).isBetween(126, 130);
  }

  @Test
  void weighsColoursByTheirBrightnessForGrey() throws IOException {
    BufferedImage image = filled(BufferedImage.TYPE_INT_RGB, 4, 1, 0xFFFFFF);
    image.setRGB(0, 0, 0xFF0000);
    image.setRGB(1, 0, 0x00FF00);
    image.setRGB(2, 0, 0x0000FF);

    assertThat(PictureDecoder.DEFAULT.channels(1).decode(file(image, "png")))
        .isEqualTo(Pixels.of(4, 1, 1, new byte[] {76, (byte) 150, 29, -1}));
  }

  @Test
  void keepsTheStoredValuesOfGreyAndRepeatsThemForColour() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setSample(0, 0, 0, 100);
    image.getRaster().setSample(1, 0, 0, 200);
    byte[] file = file(image, "png");

    assertThat(PictureDecoder.DEFAULT.decode(file))
        .isEqualTo(Pixels.of(2, 1, 1, new byte[] {100, (byte) 200}));
    assertThat(PictureDecoder.DEFAULT.channels(3).decode(file))
        .isEqualTo(
            Pixels.of(2, 1, 3, new byte[] {100, 100, 100, (byte) 200, (byte) 200, (byte) 200}));
  }

  @Test
  void bringsSixteenBitsDownToEight() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_USHORT_GRAY);
    image.getRaster().setSample(0, 0, 0, 0xFFFF);
    image.getRaster().setSample(1, 0, 0, 0x8080);

    assertThat(PictureDecoder.DEFAULT.decode(file(image, "png")))
        .isEqualTo(Pixels.of(2, 1, 1, new byte[] {-1, (byte) 128}));
  }

  @Test
  void resizesByAveraging() throws IOException {
    BufferedImage image = filled(BufferedImage.TYPE_INT_RGB, 2, 1, 0xFF0000);
    image.setRGB(1, 0, 0x0000FF);

    assertThat(PictureDecoder.DEFAULT.resize(1, 1).decode(file(image, "png")))
        .isEqualTo(Pixels.of(1, 1, 3, new byte[] {(byte) 128, 0, (byte) 128}));
    assertThat(PictureDecoder.DEFAULT.resize(4, 1).channels(1).decode(file(image, "png")))
        .isEqualTo(Pixels.of(4, 1, 1, new byte[] {76, 76, 29, 29}));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "hello", "<svg/>", "\u0000\u0000\u0004\u0004"})
  void refusesWhatIsNoneOfItsFormats(String content) {
    byte[] file = content.getBytes(StandardCharsets.UTF_8);

    assertThatThrownBy(() -> PictureDecoder.DEFAULT.decode(file))
        .isInstanceOf(IOException.class)
        .hasMessage("expected a PNG, JPEG, BMP or GIF picture; the file is none of them");
  }

  @Test
  void refusesOtherFormatsOfThePlatform() throws IOException {
    byte[] tiff = file(filled(BufferedImage.TYPE_INT_RGB, 2, 2, 0), "tiff");

    assertThatThrownBy(() -> PictureDecoder.DEFAULT.decode(tiff))
        .hasMessage("expected a PNG, JPEG, BMP or GIF picture; the file is none of them");
  }

  @Test
  void refusesAHeaderThatClaimsTooMuchBeforeItTakesMemory() throws IOException {
    assertThatThrownBy(() -> PictureDecoder.DEFAULT.decode(claiming(100_000, 100_000)))
        .isInstanceOf(IOException.class)
        .hasMessage("the picture claims 100000 x 100000 pixels, more than 16777216. Scale it down");
    assertThatThrownBy(() -> PictureDecoder.DEFAULT.maximumPixels(3).decode(claiming(2, 2)))
        .hasMessage("the picture claims 2 x 2 pixels, more than 3. Scale it down");
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpeg", "bmp", "gif"})
  void brokenFilesGiveAPictureOrAnIoExceptionAndNothingElse(String format) throws IOException {
    BufferedImage image = filled(BufferedImage.TYPE_INT_RGB, 40, 30, 0x123456);
    byte[] whole = file(image, format);
    SplittableRandom random = new SplittableRandom(5);
    PictureDecoder small = PictureDecoder.DEFAULT.maximumPixels(10_000);
    int refused = 0;
    for (int i = 0; i < 400; i++) {
      byte[] broken =
          Arrays.copyOf(whole, i % 2 == 0 ? random.nextInt(whole.length) : whole.length);
      for (int j = 0; j < 1 + i % 4 && broken.length > 0; j++) {
        broken[random.nextInt(broken.length)] = (byte) random.nextInt(256);
      }
      try {
        small.decode(broken);
      } catch (IOException e) {
        assertThat(e).message().isNotEmpty();
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(100);
  }

  @Test
  void refusesSettingsThatAreNone() {
    assertThatThrownBy(() -> PictureDecoder.DEFAULT.channels(2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("channels must be 0, 1 or 3, got 2");
    assertThatThrownBy(() -> PictureDecoder.DEFAULT.resize(0, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("width and height must be at least 1 and make at most 16777216");
    assertThatThrownBy(() -> PictureDecoder.DEFAULT.maximumPixels(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("pixels must be at least 1, got 0");
  }
}
