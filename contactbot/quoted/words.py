"""The words by which mail programs mark what somebody else wrote, in the languages residents' programs speak. Data.

Bokmål, nynorsk, English, Swedish, Danish, German, French, Dutch, Polish, Ukrainian, Russian, Spanish,
Portuguese, Italian, Finnish, Icelandic, Estonian, Latvian, Lithuanian, Czech, Romanian, Turkish and Vietnamese.
All lower case.
"""

from typing import Final


def _words(listed: str) -> tuple[str, ...]:
    return tuple(listed.split("|"))


# "... wrote:", as it stands in the line above a quotation.
WROTE: Final = _words(
    "skrev|skreiv|skriver|har skrevet|wrote|writes|sent|schrieb|schreibt|geschrieben|a écrit|écrit|schreef|"
    "geschreven|napisał|napisała|napisał(a)|napisana|pisze|написав|написала|написав(ла)|пише|написал|написала|"
    "написал(а)|пишет|escribió|escreveu|ha scritto|kirjoitti|skrifaði|kirjutas|rakstīja|rašė|parašė|napsal|"
    "napsala|napsal(a)|a scris|yazdı|đã viết|čálii|写道|寫道|书写"
)

# Who wrote, when a person tells of it: no program says "I wrote".
SELF: Final = _words(
    "jeg|eg|vi|me|dere|de|dykk|du|hun|ho|han|i|we|you|they|he|she|jag|ni|jeg|ich|wir|sie|ihr|er|je|nous|vous|ik|"
    "wij|jullie|ja|my|wy|я|ми|ви|мы|вы"
)

# The first word of such a line, where it is not the date itself.
ON: Final = _words("den|på|on|am|le|op|w dniu|dnia|il|el|em|vào|dne|pe|dňa|wiadomość napisana przez|在|于")

# Field names of a copied header block. Each kind once counts; a block needs several kinds.
FIELDS: Final[dict[str, str]] = {
    "from": "fra|frå|från|from|von|de|van|od|від|вид|от|da|lähettäjä|frá|saatja|no|nuo|kimden|từ",
    "sent": (
        "sendt|sent|skickat|gesendet|envoyé|verzonden|wysłano|wysłane|надіслано|відправлено|отправлено|enviado|"
        "enviada em|enviado el|inviato|lähetetty|send|saadetud|nosūtīts|išsiųsta|odesláno|trimis|gönderildi|đã gửi"
    ),
    "date": "dato|datum|date|data|дата|fecha|päivämäärä|päiväys|dagsetning|kuupäev|tarih|ngày|dátum",
    "to": "til|till|to|an|à|aan|do|кому|para|a|vastaanottaja|adressat|kam|kellele|komu|către|kime|đến",
    "cc": "kopi|kopia|cc|kopie|copie|dw|копія|копия|bcc|blindkopi",
    "subject": (
        "emne|ämne|subject|betreff|objet|onderwerp|temat|тема|asunto|assunto|oggetto|aihe|efni|teema|temats|tema|"
        "předmět|subiect|konu|chủ đề"
    ),
    "reply-to": "svar til|svara till|reply-to|antwort an|répondre à|odpowiedz do|відповісти",
    "attachments": "vedlegg|bilagor|attachments|anlagen|pièces jointes|bijlagen|załączniki|вкладення",
    "importance": "viktighet|viktigheit|prioritet|importance|priority|priorität|wichtigkeit|sensitivity",
}

# What stands between dashes (or alone, where the program writes no dashes) above a message that is answered.
ORIGINAL: Final = _words(
    "original appointment|opprinnelig avtale|opprinnelig melding|opphavleg melding|opprinnelig e-post|"
    "original melding|original message|originalmeddelande|ursprungligt meddelande|oprindelig meddelelse|"
    "oprindelig besked|original besked|ursprüngliche nachricht|originalnachricht|original-nachricht|"
    "message d'origine|message original|oorspronkelijk bericht|oorspronkelijke bericht|wiadomość oryginalna|"
    "oryginalna wiadomość|початкове повідомлення|вихідне повідомлення|оригінальне повідомлення|"
    "исходное сообщение|оригинальное сообщение|mensaje original|mensagem original|messaggio originale|"
    "alkuperäinen viesti|upprunaleg skilaboð|reply message|svar på melding|original|reply above this line|"
    "please reply above this line|please type your reply above this line|svar over denne linjen|"
    "svar over denne linja|skriv svaret ditt over denne linjen|skriv svaret ditt over denne linja|"
    "vennligst svar over denne linjen"
)

# The same for a message that is passed on.
FORWARDED: Final = _words(
    "videresendt melding|vidaresend melding|videresendt e-post|start på videresendt melding|"
    "begynn videresendt melding|start på vidaresend melding|begynnelse på videresendt melding|forwarded message|"
    "begin forwarded message|forwarded by|vidarebefordrat meddelande|vidarebefordrat brev|"
    "början på vidarebefordrat brev|videresendt meddelelse|start på videresendt besked|videresendt besked|"
    "weitergeleitete nachricht|anfang der weitergeleiteten nachricht|message transféré|"
    "début du message réexpédié|doorgestuurd bericht|begin doorgestuurd bericht|przekazana wiadomość|"
    "wiadomość przekazana dalej|początek przekazanej wiadomości|переслане повідомлення|"
    "початок переадресованого повідомлення|початок пересланого повідомлення|пересылаемое сообщение|"
    "пересланное сообщение|начало переадресованного сообщения|mensaje reenviado|mensagem encaminhada|"
    "messaggio inoltrato|inizio messaggio inoltrato|välitetty viesti"
)

# "Sent from my ...", followed by a device or a mail program.
SENT_FROM: Final = _words(
    "sendt fra|sendt frå|send frå|sendt via|sendt med|sent from|sent using|sent with|sent via|skickat från|"
    "skickades från|gesendet von|gesendet mit|diese nachricht wurde von|von meinem|von meiner|envoyé de|"
    "envoyé depuis|envoyé à partir de|verzonden vanaf|verstuurd vanaf|verzonden met|wysłane z|wysłano z|"
    "надіслано з|надіслано із|відправлено з|отправлено с|отправлено из|enviado desde|enviado do|inviato da|"
    "lähetetty"
)
DEVICES: Final = _words(
    "iphone|ipad|ipod|ios|apple|android|samsung|galaxy|outlook|yahoo|huawei|windows|e-post for|mail for|mail til|"
    "mail app|mobil|mobile|telefon|smarttelefon|smartphone|xperia|sony|oneplus|pixel|nokia|acompli|proton|"
    "blackberry|phone|mailbox|superhuman|typemail|appen|htc|surface|spark|em client|gmail|aol|thunderbird|"
    "hotmail|xiaomi|motorola|nettbrett|tablet|webmail|sparrow|airmail|icloud|fastmail|k-9|bluemail|айфон|телефон"
)

# "Get Outlook for iOS", which Outlook's apps write.
GET: Final = _words(
    "hent|få|last ned|skaff deg|get|hämta|skaffa|laden sie|holen sie sich|outlook für|téléchargez|obtenez|"
    "obtenir|télécharger|download|pobierz|завантажити|отримати|скачать|obtener|obter|ottieni|hanki"
)
