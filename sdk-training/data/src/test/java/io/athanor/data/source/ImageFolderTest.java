package io.athanor.data.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.data.Encoder;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Rows;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.data.Dataset;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFolderTest {
  @TempDir Path folder;

  @Test
  void namesTheClassByTheSubFolderInAFixedOrder() throws IOException {
    put("dog/2.png", grey(2, 2, 9));
    put("cat/b.png", grey(2, 2, 7));
    put("cat/a.png", grey(2, 2, 128));
    put("cat/.hidden", new byte[] {1});
    put("README.txt", new byte[] {1});

    Rows rows = labelled(ImageFolder.of(folder)).rows();

    assertThat(rows.size()).isEqualTo(3);
    assertThat(rows.row(0).cell("image")).isEqualTo(filled(2, 2, 1, 128));
    assertThat(rows.row(0).cell("label")).isEqualTo("cat");
    assertThat(rows.row(1).cell("image")).isEqualTo(filled(2, 2, 1, 7));
    assertThat(rows.row(2).cell("label")).isEqualTo("dog");
  }

  @Test
  void readsAZipOfFolders() throws IOException {
    Path zip = folder.resolve("pictures.zip");
    try (ZipOutputStream files = new ZipOutputStream(Files.newOutputStream(zip))) {
      files.putNextEntry(new ZipEntry("one/x.png")); // without an entry for its folder
      files.write(grey(3, 1, 50));
    }

    Rows rows = labelled(ImageFolder.of(zip)).rows();

    assertThat(rows.row(0).cell("image")).isEqualTo(filled(3, 1, 1, 50));
    assertThat(rows.row(0).cell("label")).isEqualTo("one");
  }

  @Test
  void convertsBetweenColourAndGreyAndResizesByAveraging() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB);
    image.setRGB(0, 0, 0xFF0000);
    image.setRGB(1, 0, 0x0000FF);
    put("a/x.png", encoded(image));

    assertThat(first(ImageFolder.of(folder)))
        .isEqualTo(Pixels.of(2, 1, 3, new byte[] {-1, 0, 0, 0, 0, -1}));
    assertThat(first(ImageFolder.of(folder).grey()))
        .isEqualTo(Pixels.of(2, 1, 1, new byte[] {76, 29}));
    assertThat(first(ImageFolder.of(folder).resize(1, 1)))
        .isEqualTo(Pixels.of(1, 1, 3, new byte[] {(byte) 128, 0, (byte) 128}));
  }

  @Test
  void standardisesByThePixelsOfTheTrainingPictures() throws IOException {
    put("a/x.png", grey(2, 2, 0));
    put("b/y.png", grey(2, 2, 255));

    assertThat(labelled(ImageFolder.of(folder)).split(1, 0, 0).encoding().encoders())
        .containsExactly(new Encoder.Image("image", 1, 2, 2, 0.5, 0.5));
  }

  @Test
  void namesTheFileOfABrokenPicture() throws IOException {
    byte[] whole = grey(40, 40, 7);
    put("a/1.png", whole);
    put("a/2.png", java.util.Arrays.copyOf(whole, whole.length / 2));

    assertThatThrownBy(() -> labelled(ImageFolder.of(folder)).rows())
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder + "/a/2.png, column 'image': ");
  }

  @Test
  void refusesWhatIsNoPicture() throws IOException {
    put("a/notes.txt", "hello".getBytes(java.nio.charset.StandardCharsets.UTF_8));

    assertThatThrownBy(() -> labelled(ImageFolder.of(folder)).rows())
        .hasMessage(
            folder
                + "/a/notes.txt, column 'image': expected a PNG, JPEG, BMP or GIF picture; the file"
                + " is none of them");
  }

  @Test
  void refusesAHeaderThatClaimsTooManyPixelsBeforeDecoding() throws IOException {
    byte[] png = grey(1, 1, 0);
    ByteBuffer.wrap(png).putInt(16, 100_000).putInt(20, 100_000);
    java.util.zip.CRC32 crc = new java.util.zip.CRC32();
    crc.update(png, 12, 17);
    ByteBuffer.wrap(png).putInt(29, (int) crc.getValue());
    put("a/bomb.png", png);

    assertThatThrownBy(() -> labelled(ImageFolder.of(folder)).rows())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("bomb.png")
        .hasMessageContaining("the picture claims 100000 x 100000 pixels, more than 16777216");
  }

  @Test
  void refusesPicturesOfDifferentSizes() throws IOException {
    put("a/1.png", grey(2, 2, 0));
    put("a/2.png", grey(3, 2, 0));

    assertThatThrownBy(() -> labelled(ImageFolder.of(folder)).rows())
        .isInstanceOf(FormatException.class)
        .hasMessage(
            folder
                + "/a/2.png, column 'image': the first picture has 2 x 2 x 1 pixels, this one has"
                + " 3 x 2 x 1 pixels. Make all of one size, or let the source resize them");
    assertThat(labelled(ImageFolder.of(folder).resize(4, 4)).rows().size()).isEqualTo(2);
  }

  @Test
  void noticesPicturesAddedLater() throws IOException {
    put("a/1.png", grey(2, 2, 0));
    ImageFolder source = ImageFolder.of(folder);
    Rows rows = labelled(source).rows();
    put("b/2.png", grey(2, 2, 0));

    assertThatThrownBy(() -> rows.row(0))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("has changed since this dataset read it first");
  }

  @Test
  void saysWhatIsMissing() throws IOException {
    assertThatThrownBy(() -> ImageFolder.of(folder).open())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(
            "has no files in sub-folders; expected one sub-folder for each class");
    assertThatThrownBy(() -> ImageFolder.of(folder.resolve("absent")).open())
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("is neither a folder nor a .zip or .jar file");
    Path zip = Files.writeString(folder.resolve("broken.zip"), "no zip");
    assertThatThrownBy(() -> ImageFolder.of(zip).open())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("is not a readable zip file");
  }

  private static Dataset labelled(ImageFolder source) {
    return Dataset.from(source).image(ImageFolder.IMAGE).label(ImageFolder.LABEL);
  }

  private static Object first(ImageFolder source) {
    return labelled(source).rows().row(0).cell("image");
  }

  private void put(String name, byte[] bytes) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, bytes);
  }

  private static byte[] grey(int width, int height, int value) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < width * height; i++) {
      image.getRaster().setSample(i % width, i / width, 0, value);
    }
    return encoded(image);
  }

  private static byte[] encoded(BufferedImage image) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(image, "png", bytes);
    return bytes.toByteArray();
  }

  private static Pixels filled(int width, int height, int channels, int value) {
    byte[] bytes = new byte[width * height * channels];
    java.util.Arrays.fill(bytes, (byte) value);
    return Pixels.of(width, height, channels, bytes);
  }
}
