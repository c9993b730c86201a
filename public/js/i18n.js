// Every text of the page, in English and Russian; the browser's own order of languages chooses.

import { locale } from './format.js'

/** A key, then its texts in the order of LANGUAGES. `{name}` stands for a value. */
const TABLE = `
about.busy|Busiest disk: share of time with requests in flight|Самый занятый диск: доля времени с запросами
about.cores|Every processor, a row each; tone is usage|Каждый процессор, по строке; тон — загрузка
about.cpu|All processors; the thin line is the busiest one|Все процессоры; тонкая линия — самый занятый
about.disk|Read and written, whole disks|Чтение и запись, целые диски
about.gpu|Busiest graphics processor|Самый занятый графический процессор
about.load|Load average over one minute|Средняя нагрузка за минуту
about.memory|Memory that programs hold, without caches|Память программ, без кешей
about.net|Received and sent, physical interfaces|Принято и отправлено, физические интерфейсы
about.psi|Share of the last 10 s in which something waited for CPU, memory or IO|Доля последних 10 с, когда кто-то ждал ЦП, память или диск
about.running|Running processes|Выполняются
about.swap|Swap in use|Занятый своп
about.temp|Hottest sensor|Самый горячий датчик
address|Address:|Адрес:
ago|{span} ago|{span} назад
busiest|Busiest: {name} {usage}|Самый занятый: {name} {usage}
cancel|Cancel|Отмена
close|Close|Закрыть
col.°C|°C|°C
col.10s|10 s|10 с
col.1min|1 min|1 мин
col.5min|5 min|5 мин
col.W|W|Вт
col.adapter|Adapter|Адаптер
col.busy|Busy|Занят
col.container|Container|Контейнер
col.cpu|CPU|ЦП
col.critical|Critical|Критично
col.device|Device|Устройство
col.engine|Engine|Движок
col.faults|Faults/s|Сбоев/с
col.free|Free|Свободно
col.high|High|Много
col.inodes|Inodes|Inode
col.interface|Interface|Интерфейс
col.link|Link|Связь
col.memory|Memory|Память
col.mount|Mounted on|Смонтировано
col.now|Now|Сейчас
col.pid|PID|PID
col.pids|PIDs|PID
col.process|Process|Процесс
col.read|Read|Чтение
col.received|Received|Принято
col.sensor|Sensor|Датчик
col.sent|Sent|Отправлено
col.service|Service|Служба
col.tasks|Tasks|Задач
col.type|Type|Тип
col.used|Used|Занято
col.wait|ms r/w|мс ч/з
col.waiting|Waiting for|Ожидание
col.write|Write|Запись
column|Column {n}|Колонка {n}
config.about|Kept in this browser and loaded with the page. Files are JSON, also those of the original Rt-Stat.|Хранится в этом браузере и загружается со страницей. Файлы — JSON, подходят и файлы исходного Rt-Stat.
config.apply|Use this text|Взять этот текст
config.default|Back to the default|Вернуть исходную
config.defaultFault|Default configuration: {fault}|Конфигурация по умолчанию: {fault}
config.idTaken|the id {got} is used twice; ids are unique|идентификатор {got} повторяется; они уникальны
config.load|Load from file…|Загрузить из файла…
config.loaded|Loaded; servers: {n}.|Загружено; серверов: {n}.
config.needBoolean|{got} is neither true nor false|{got} — не true и не false
config.needColumn|{got} is no column|{got} — не колонка
config.needHold|{got} is no hold time; accepted are 0 to 3600 seconds|{got} — не выдержка; принимается от 0 до 3600 секунд
config.needHost|{got} is no address; accepted is ws://host:port/local-part, or nothing for the server of this page|{got} — не адрес; принимается ws://host:port/local-part или пустая строка для сервера этой страницы
config.needId|{got} is no id; accepted are letters, digits and _ - . ,|{got} — не идентификатор; принимаются латинские буквы, цифры и _ - . ,
config.needInterval|{got} is no interval; accepted are 0.5 to 86400 seconds|{got} — не интервал; принимается от 0,5 до 86400 секунд
config.needList|a list is needed, not {got}|нужен список, а не {got}
config.needObject|an object is needed, not {got}|нужен объект, а не {got}
config.needPercent|{got} is no level; accepted are 1 to 100 percent|{got} — не порог; принимается от 1 до 100 процентов
config.needText|a text of at most 200 characters is needed, not {got}|нужен текст до 200 знаков, а не {got}
config.needVersion|version {got} is not known; this page reads version 1|версия {got} неизвестна; страница читает версию 1
config.noDefault|monitoring-default-config.js sets no configuration; it should call RtStat.Monitoring.init({…}).|monitoring-default-config.js не задаёт конфигурации; он должен вызвать RtStat.Monitoring.init({…}).
config.notJson|This is not JSON: the fault is at {got} (line:column). Nothing was changed.|Это не JSON: ошибка в {got} (строка:столбец). Ничего не изменено.
config.remember|Remember tokens in this browser|Хранить токены в этом браузере
config.save|Save to file|Сохранить в файл
config.text|Configuration as text|Конфигурация текстом
config.title|Configuration|Конфигурация
config.tooLarge|The file is larger than 1 MB; nothing was changed.|Файл больше 1 МБ; ничего не изменено.
config.tooMany|more than {got} servers|больше {got} серверов
config.withTokens|with tokens|с токенами
connect|Connect|Подключить
console.clear|Clear|Очистить
console.closed|closed, code {code} {reason}|закрыто, код {code} {reason}
console.command|Command|Команда
console.connect|Connect|Подключить
console.dashboard|Dashboard|Мониторинг
console.disconnect|Disconnect|Отключить
console.fold|Fold long lines|Сворачивать длинное
console.log|Conversation|Переписка
console.notOpen|not connected|нет подключения
console.opened|connected|подключено
console.opening|connecting to {url}|подключение к {url}
console.send|Send|Отправить
count.broken|{n} broken pushes dropped.|Отброшено испорченных: {n}.
count.fast|{n} messages faster than ten a second dropped.|Отброшено сверх десяти в секунду: {n}.
count.large|{n} messages larger than 1 MB dropped.|Отброшено больше 1 МБ: {n}.
count.missed|{n} pushes missed.|Пропущено: {n}.
cpu.blocked|Blocked|Блокировано
cpu.ctxt|Switches/s|Переключ./с
cpu.forks|Forks/s|Порожд./с
cpu.intr|Interrupts/s|Прерыв./с
edit.addColumn|Add column|Добавить колонку
edit.addServer|Add server|Добавить сервер
edit.close|Remove|Удалить
edit.column|Edit column {name}|Правка колонки {name}
edit.columnName|Name of the column|Название колонки
edit.done|Done|Готово
edit.down|Move down|Ниже
edit.edit|Change|Изменить
edit.left|Move left|Левее
edit.on|Editing|Правка
edit.removeColumn|Remove column|Удалить колонку
edit.right|Move right|Правее
edit.server|Edit {name}|Правка {name}
edit.undo|Undo|Отменить
edit.up|Move up|Выше
empty.text|Add a server by its address, or load a configuration from the menu.|Добавьте сервер по адресу или загрузите конфигурацию из меню.
empty.title|No servers yet|Серверов пока нет
fact.all|processes|процессов
fact.hidden|some processes are hidden|часть процессов скрыта
fact.load|load|нагрузка
fact.running|running|выполняются
fact.sleep|sleeping|спят
fact.stopped|stopped|остановлены
fact.threads|threads|потоков
fact.time|clock|часы
fact.up|up|работает
fact.users|users|пользователей
fact.zombie|zombies|зомби
failed|Failed|Сбой
fan|Fan|Вентилятор
figure.cpu|processors|процессоры
figure.memory|memory|память
figure.swap|swap|своп
filter|Filter servers|Фильтр серверов
fleet|All servers|Все серверы
fleet.sort|Order of servers|Порядок серверов
freeze|Freeze (F)|Остановить показ (F)
fs.ro|read-only|только чтение
fs.stale|not answering {s}|не отвечает {s}
goLive|Go live|К текущему
grid|{n} processors; arrow keys read each|Процессоров: {n}; стрелки читают каждый
history|Five minutes of history; arrow keys read an instant|Пять минут истории; стрелки читают мгновение
legacy|An Rt-Stat server of the first kind: four figures.|Сервер Rt-Stat первого поколения: четыре показателя.
level.critical|Critical|Критично
level.ok|no alarm|без тревог
level.warning|Warning|Внимание
link.down|down|нет
link.up|up|есть
mark.clock|clock jumped|скачок часов
mark.reboot|rebooted|перезагрузка
mem.arc|ZFS ARC|ZFS ARC
mem.available|Available|Доступно
mem.dirty|Dirty|Не записано
mem.in|Swap in|Из свопа
mem.oom_kill|OOM kills|Убито (OOM)
mem.out|Swap out|В своп
mem.shmem|Shared|Общая
mem.slab|Kernel slabs|Ядро
menu|Menu|Меню
menu.compact|Strips only|Только полосы
menu.config|Configuration…|Конфигурация…
menu.console|Protocol console|Консоль протокола
menu.edit|Edit layout|Правка раскладки
menu.keys|Keys: / filter, F freeze, E edit, C configuration|Клавиши: / фильтр, F пауза, E правка, C конфигурация
menu.notify|Notify me of alarms|Уведомлять о тревогах
more|… {n} more|… ещё {n}
nextTry|Next try in {s}.|Повтор через {s}.
noData|No data now|Сейчас нет данных
noSwap|no swap|свопа нет
noneFailed|No failed unit.|Сбоев нет.
note.closed|The connection was lost. {detail}|Соединение потеряно. {detail}
note.flood|The server sends more than this page can take; it was disconnected.|Сервер шлёт больше, чем может принять страница; он отключён.
note.full|The server has as many clients as it allows (--max-clients).|У сервера уже столько клиентов, сколько разрешено (--max-clients).
note.mixed|This page came over https, so the browser allows wss:// only: put a proxy with TLS before the server.|Страница открыта по https, браузер разрешает только wss://: поставьте перед сервером прокси с TLS.
note.origin|The server does not admit pages of this origin; start it with --allow-origin and this page’s origin.|Сервер не принимает страницы с этого адреса; запустите его с --allow-origin и адресом страницы.
note.refused|{detail}|{detail}
note.restarting|The server said goodbye and should be back soon.|Сервер попрощался и скоро должен вернуться.
note.token|The server asks for a token, and this is not it.|Серверу нужен токен, и этот не подходит.
note.unreachable|No answer from {url}.|Нет ответа от {url}.
now|now|сейчас
old|{s} old|возраст {s}
options|Settings|Настройки
part.apps|Programs|Программы
part.buffers|Buffers|Буферы
part.cached|Cache|Кеш
part.iowait|IO wait|Ожидание диска
part.irq|Interrupts|Прерывания
part.steal|Stolen|Украдено
part.swap|Swap|Своп
part.system|System|Система
part.user|User|Программы
psi.cpu|CPU|ЦП
psi.full|all wait|ждут все
psi.io|IO|диск
psi.irq|Interrupts|прерывания
psi.memory|Memory|память
psi.some|some wait|ждёт кто-то
reconnect|Reconnect|Переподключить
rememberToken|Remember in this browser|Запомнить в этом браузере
retryNow|Try now|Сейчас
rpm|rpm|об/мин
save|Save|Сохранить
scrub|Instant shown, seconds before the freeze|Показываемое мгновение, секунд до остановки
section.containers|Containers|Контейнеры
section.disks|Disks|Диски
section.filesystems|Filesystems|Файловые системы
section.gpu|Graphics|Графика
section.memory|Memory|Память
section.network|Network|Сеть
section.others|Plugins|Плагины
section.pressure|Pressure|Давление
section.processors|Processors|Процессоры
section.sensors|Sensors|Датчики
section.top|Top processes|Кто это сделал
section.units|Services|Службы
server.add|Add server|Добавить сервер
server.autoStart|Connect when the page opens|Подключать при открытии страницы
server.change|Settings of the server|Настройки сервера
server.cpu|Processors, %|Процессоры, %
server.hold|Hold, s|Выдержка, с
server.host|Host|Адрес
server.hostEmpty|empty: the server of this page|пусто: сервер этой страницы
server.id|Id|Идентификатор
server.interval|Interval, s|Интервал, с
server.memory|Memory, %|Память, %
server.name|Name|Имя
server.swap|Swap, %|Своп, %
server.thresholds|Warn from|Предупреждать от
server.token|Token|Токен
sock.conntrack|Tracked|Отслеживается
sock.listen_drop|Queue drops/s|Отвергнуто/с
sock.orphan|Orphans|Сироты
sock.retrans|Retransmits/s|Повторов/с
sock.tcp|TCP|TCP
sock.tw|Time-wait|Time-wait
sock.udp|UDP|UDP
sort.cpu|Worst processor|Худший процессор
sort.disk|Disk|Диск
sort.memory|Memory|Память
sort.none|As laid out|Как в раскладке
sort.pressure|Pressure|Давление
sort.worst|Worst figure|Худший показатель
start|Start|Запустить
state.closed|Disconnected|Отключено
state.connecting|Connecting|Подключение
state.flood|Too much data|Слишком много данных
state.frozen|Frozen|Показ остановлен
state.full|Too many clients|Слишком много клиентов
state.live|Live|На связи
state.mixed|Needs wss|Нужен wss
state.origin|Origin refused|Источник отвергнут
state.refused|Refused|Отказ
state.restarting|Restarting|Перезапуск
state.stale|Stale for {s}|Молчит {s}
state.stopped|Stopped|Остановлено
state.token|Wrong token|Неверный токен
state.unreachable|Unreachable|Недоступен
state.waiting|Waiting for the first push|Ждём первых данных
stop|Stop|Остановить
strip.busy|BUSY|ЗАНЯТ
strip.cores|CORES|ЯДРА
strip.cpu|CPU|ЦП
strip.disk|DISK|ДИСК
strip.gpu|GPU|GPU
strip.load|LOAD|НАГР
strip.memory|MEM|ПАМ
strip.net|NET|СЕТЬ
strip.psi|PSI|PSI
strip.running|RUN|ВЫП
strip.swap|SWAP|СВОП
strip.temp|TEMP|ТЕМП
theme|Theme|Тема
theme.dark|dark|тёмная
theme.light|light|светлая
theme.system|as the system|как в системе
token|Token|Токен
top.cpu|Processor|Процессор
top.io|IO|Диск
top.mem|Memory|Память
top.order|Order|Порядок
top.waiting|Asked for; it comes with the next push.|Запрошено; придёт со следующими данными.
`
const LANGUAGES = ['en', 'ru']
/** In English units are their own names. */
const RUSSIAN_UNITS = 'B=Б KiB=КиБ MiB=МиБ GiB=ГиБ TiB=ТиБ PiB=ПиБ EiB=ЭиБ B/s=Б/с kB/s=кБ/с MB/s=МБ/с GB/s=ГБ/с TB/s=ТБ/с PB/s=ПБ/с k=тыс. M=млн G=млрд T=трлн s=с min=мин h=ч'

/** @param {readonly string[]} wanted in the browser's order */
export const choose = (wanted) => wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => LANGUAGES.includes(tag)) ?? 'en'

export const TEXTS = new Map(TABLE.trim().split('\n').map((row) => {
	const [key, ...texts] = row.split('|')
	return [key, texts]
}))
export const language = choose(globalThis.navigator?.languages ?? [])
const column = LANGUAGES.indexOf(language)
if (language === 'ru') Object.assign(locale, { decimal: ',', units: Object.fromEntries(RUSSIAN_UNITS.split(' ').map((pair) => pair.split('='))) })

/** @param {string} key @param {Record<string, any>} [values] @returns {string} */
export function t(key, values = {}) {
	return (TEXTS.get(key)?.[column] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole)
}
