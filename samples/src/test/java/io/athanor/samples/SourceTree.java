package io.athanor.samples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathExpressionException;
import javax.xml.xpath.XPathFactory;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** The files of this repository: Java sources and build files. */
record SourceTree(Path root) {

  /** The checkout that holds the working directory. */
  static SourceTree ofThisCheckout() {
    var start = Path.of("").toAbsolutePath();
    for (var folder = start; folder != null; folder = folder.getParent()) {
      if (Files.isDirectory(folder.resolve("sdk-api")) && Files.exists(folder.resolve("LICENSE"))) {
        return new SourceTree(folder);
      }
    }
    throw new AssertionError("No checkout of Athanor above " + start);
  }

  /** Line count of every Java source, by path relative to the root. */
  Map<Path, Integer> lines() throws IOException {
    var lines = new LinkedHashMap<Path, Integer>();
    try (var files = Files.walk(root)) {
      for (var file : files.filter(SourceTree::isOwnSource).sorted().toList()) {
        lines.put(root.relativize(file), Files.readAllLines(file).size());
      }
    }
    return lines;
  }

  /** Folders of the modules that the root pom lists. */
  List<Path> modules() throws IOException {
    return texts(root.resolve("pom.xml"), "/project/modules/module").stream()
        .map(root::resolve)
        .toList();
  }

  /** The text of every node that an XPath selects in a build file. */
  static List<String> texts(Path pom, String path) throws IOException {
    try (var in = Files.newInputStream(pom)) {
      Document document = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(in);
      var nodes =
          (NodeList)
              XPathFactory.newInstance()
                  .newXPath()
                  .evaluate(path, document, XPathConstants.NODESET);
      return IntStream.range(0, nodes.getLength())
          .mapToObj(i -> nodes.item(i).getTextContent().strip())
          .toList();
    } catch (ParserConfigurationException | SAXException | XPathExpressionException e) {
      throw new AssertionError("Not readable as a build file: " + pom, e);
    }
  }

  private static boolean isOwnSource(Path file) {
    return file.toString().matches(".*/src/(main|test)/java/.*\\.java");
  }
}
